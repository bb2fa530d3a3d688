import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { verdictOf, type Models, type Round } from '../../api/learning'
import { words } from '../../words'
import { Changes } from './Changes'
import { Curve } from './Curve'
import { VerdictWord } from './VerdictWord'
import styles from './Learning.module.css'

interface Props {
  readonly round: Round
  readonly models: Models
  readonly onPromote: ((digest: string, phantom: boolean) => void) | null
  readonly refused: string | null
}

function Promotion({ round, models, onPromote, refused }: Props) {
  const { learning } = words
  const model = models.items.find((one) => one.digest === round.challenger)
  if (!model || !onPromote || model.state === 'champion') return null
  const allowed = verdictOf(round)?.verdict === 'promote' && !models.pinned
  const phantom = round.population === 'phantom'
  const lock = models.pinned ? learning.pinned(models.pinned) : learning.locked
  return (
    <section>
      <h3 className={styles['head']}>{learning.promotion}</h3>
      <Button size="compact-md" variant="default" disabled={!allowed} onClick={() => onPromote(model.digest, phantom)}>
        {phantom ? learning.promotePhantom(model.version) : learning.promote(model.version)}
      </Button>
      {!allowed && <p className={styles['quiet']}>{lock}</p>}
      {refused && (
        <p role="alert" className={styles['attention']}>
          {refused}
        </p>
      )}
    </section>
  )
}

/** One round's verdict: in words, in what it rests on, in numbers; and the act it allows. */
export function VerdictPart(props: Props) {
  const { round } = props
  const { learning } = words
  const verdict = verdictOf(round)
  return (
    <section className={styles['detail']} aria-label={learning.round(round.number)}>
      <h2 className={styles['title']}>
        <VerdictWord round={round} /> <span className={styles['quiet']}>{learning.round(round.number)}</span>
      </h2>
      {round.reason && <p>{round.reason}</p>}
      <p className={styles['quiet']}>
        <Link to="/learning/rounds/$roundId/plan" params={{ roundId: round.id }} state={{ from: 'learning' }}>
          {words.plan.link}
        </Link>
      </p>
      {round.population === 'phantom' && <p className={styles['phantom']}>{learning.phantomEvidence}</p>}
      {verdict?.cases !== undefined && (
        <p className={styles['quiet']}>{learning.basis(verdict.cases, verdict.nodules ?? 0, verdict.look ?? 1)}</p>
      )}
      {verdict?.changes && <Curve verdict={verdict} />}
      {verdict && <Changes verdict={verdict} />}
      <Promotion {...props} />
    </section>
  )
}
