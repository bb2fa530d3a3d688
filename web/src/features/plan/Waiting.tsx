import type { HowMade, PlanVersion } from '../../api/plan'
import { Notice } from '../../components/Notice'
import { words } from '../../words'
import { lacks } from './tried'
import styles from './Side.module.css'

const { waits: say, people, side } = words.plan

/** Plans that stand still now: the last of their goal, and neither done nor running. */
export const halted = ({ plans }: HowMade): PlanVersion[] =>
  plans.filter(
    ({ state, goal, version }) =>
      (state === 'waiting' || state === 'failed') && !plans.some((other) => other.goal === goal && other.version > version),
  )

const inSentence = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function Halted({ made, plan }: { readonly made: HowMade; readonly plan: PlanVersion }) {
  const lines = lacks(made, plan)
  const mend = lines.length > 0 ? say.mend : say.failedMend[plan.goal]
  return (
    <Notice kind="attention" title={plan.state === 'failed' ? say.failed(plan.version) : say.plan(plan.version)}>
      {(lines.length > 0 ? lines : [plan.ended_why]).map((line) => (
        <p key={line}>{line}</p>
      ))}
      {mend && <p>{mend}</p>}
    </Notice>
  )
}

/** What waits for a person or for a missing tool; always said, at the end of the side. */
export function Waiting({ made }: { readonly made: HowMade }) {
  const open = made.people.filter(({ state }) => state === 'waiting')
  const still = halted(made)
  if (open.length === 0 && still.length === 0) return <p className={styles['waits']}>{say.nobody}</p>
  return (
    <div className={styles['waits']}>
      {still.map((plan) => (
        <Halted key={plan.plan_id} made={made} plan={plan} />
      ))}
      {open.map((person) => (
        <section key={person.act}>
          <h3>{say.title}</h3>
          <p>{say.person(people[person.act], person.missing.map(inSentence).join(', ') || side.todo)}</p>
        </section>
      ))}
    </div>
  )
}
