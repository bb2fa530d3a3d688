import { Button } from '@mantine/core'
import type { Population, Round } from '../../api/learning'
import { words } from '../../words'
import { VerdictWord } from './VerdictWord'
import styles from './Learning.module.css'

interface Props {
  readonly rounds: readonly Round[]
  readonly chosen: string | null
  readonly onChoose: (id: string) => void
  readonly onStart: ((population: Population) => void) | null
  readonly refused: string | null
}

function Progress({ round }: { readonly round: Round }) {
  const { stage, done, of, left_s } = round.progress
  if (!stage) return null
  return (
    <span className={styles['progress']}>
      {done !== undefined && of ? <progress value={done} max={of} aria-label={stage} /> : null}
      <span className={styles['quiet']}>
        {stage}
        {done !== undefined && of !== undefined && `, ${words.learning.of(done, of)}`}
        {left_s !== undefined && `, ${words.learning.left((left_s / 60).toFixed(1))}`}
      </span>
    </span>
  )
}

/** Rounds, newest first, with progress or verdict; and the button that starts one. */
export function RoundsPart({ rounds, chosen, onChoose, onStart, refused }: Props) {
  const { learning } = words
  return (
    <section className={styles['rounds']} aria-labelledby="rounds">
      <h2 id="rounds" className={styles['head']}>
        {learning.rounds}
        {onStart && (
          <span className={styles['acts']}>
            <Button size="compact-sm" variant="default" onClick={() => onStart('real')}>
              {learning.start}
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => onStart('phantom')}>
              {learning.startPhantom}
            </Button>
          </span>
        )}
      </h2>
      {refused && (
        <p role="alert" className={styles['attention']}>
          {refused}
        </p>
      )}
      {rounds.length === 0 && <p className={styles['quiet']}>{learning.noRounds}</p>}
      <ul className={styles['list']}>
        {rounds.map((round) => (
          <li key={round.id}>
            <button type="button" className={styles['round']} aria-current={round.id === chosen || undefined}
              onClick={() => onChoose(round.id)}>
              <span className={styles['line']}>
                <strong>{learning.round(round.number)}</strong>
                {round.population === 'phantom' && <em className={styles['tag']}>{learning.phantom}</em>}
                <VerdictWord round={round} />
              </span>
              <Progress round={round} />
              {round.reason && <span className={styles['clipped']}>{round.reason}</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
