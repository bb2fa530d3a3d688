import { Button } from '@mantine/core'
import type { Models } from '../../api/learning'
import { words } from '../../words'
import styles from './Learning.module.css'

interface Props {
  readonly models: Models
  readonly onRollback: ((digest: string) => void) | null
}

/** Which model reads studies, since when, and the way back. */
export function ReadingNow({ models, onRollback }: Props) {
  const { learning } = words
  const champion = models.items.find((one) => one.state === 'champion')
  const since = champion?.promoted_at && champion.promoted_by
    ? learning.since(champion.promoted_at.slice(0, 10), champion.promoted_by)
    : ''
  return (
    <section aria-labelledby="reading" className={styles['reading']}>
      <h2 id="reading" className={styles['head']}>
        {learning.reading}
      </h2>
      <p>
        <strong>{models.pinned ?? (champion ? `${champion.name} ${champion.version}` : learning.released)}</strong>{' '}
        <span className={styles['quiet']}>{since}</span>
      </p>
      {champion?.replaced && !models.pinned && onRollback && (
        <Button size="compact-sm" variant="default" onClick={() => onRollback(champion.digest)}>
          {learning.rollback}
        </Button>
      )}
    </section>
  )
}
