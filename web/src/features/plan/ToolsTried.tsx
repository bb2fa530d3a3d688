import type { HowMade, ToolTried } from '../../api/plan'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import type { NodeState } from './model'
import { Part } from './Parts'
import { StateMark } from './StateMark'
import { toolName, triedWords } from './tried'
import styles from './Side.module.css'

const { side: say } = words.plan
const shape = (verdict: ToolTried['verdict']): NodeState => (verdict === 'not_tried' ? 'not_run' : verdict)

function cost(one: ToolTried): string {
  if (one.verdict !== 'not_tried') return one.seconds === null ? '' : duration(one.seconds)
  return one.cost_s === null ? say.notTried : `${say.notTried}, ${say.cost(duration(one.cost_s))}`
}

/** Tools tried and rejected for what a step gives, each with its cause. */
export function ToolsTried({ made, tried, used }: {
  readonly made: HowMade
  readonly tried: readonly ToolTried[]
  readonly used: string
}) {
  if (tried.length === 0) return null
  return (
    <Part title={say.tried}>
      <ul className={styles['tools']}>
        {tried.map((one) => (
          <li key={one.tool} data-used={one.tool === used || undefined}>
            <StateMark state={shape(one.verdict)} />
            <strong>{toolName(one)}</strong>
            <span className={styles['cost']}>{cost(one)}</span>
            <p>{triedWords(made, one)}</p>
          </li>
        ))}
      </ul>
    </Part>
  )
}
