import { UnstyledButton } from '@mantine/core'
import type { HowMade } from '../../api/plan'
import { Facts } from '../../components/Facts'
import { timeOf } from '../../lib/format'
import { words } from '../../words'
import { goalTitle } from './missing'
import type { Graph } from './model'
import { effectNode, effectWords, peerOf, whyMade } from './nodes'
import { Part, SideHead } from './Parts'
import { StateMark } from './StateMark'
import styles from './Side.module.css'
import links from './Trace.module.css'

const { side: say, state: planWord, version: planName } = words.plan
const shapes = { running: 'running', done: 'done', given_up: 'set_aside', waiting: 'missing', failed: 'failed' } as const

interface Props {
  readonly made: HowMade
  readonly graph: Graph
  readonly onSelect: (id: string) => void
}

/** Why each version was made, oldest first. */
function Versions({ made }: { readonly made: HowMade }) {
  return (
    <ol className={styles['tools']}>
      {made.plans.map((plan) => (
        <li key={plan.plan_id}>
          <StateMark state={shapes[plan.state]} />
          <strong>{planName(plan.version)}</strong>
          <span className={styles['cost']}>{planWord[plan.state]}</span>
          <p>
            {goalTitle(made.titles, plan.goal)}; {whyMade(plan)}
            {plan.because && plan.because.replaces.length > 0 && `, ${say.replaced(plan.because.replaces.join(', '))}`}
          </p>
        </li>
      ))}
    </ol>
  )
}

/** The whole in a few lines: when, how much, why each plan, what left the house. */
export function Overview({ made, graph, onSelect }: Props) {
  const steps = graph.nodes.flatMap((node) => (node.kind === 'step' ? [node.step] : []))
  const done = steps.filter(({ state }) => state === 'done')
  const reused = done.filter(({ reused: again }) => again).length
  const count = `${words.learning.of(done.length, steps.length)}${reused ? `, ${say.reusedCount(reused)}` : ''}`
  return (
    <>
      <SideHead title={say.whole} state={shapes[graph.chosen.state]} words={`${planName(graph.chosen.version)}, ${planWord[graph.chosen.state]}`} />
      <Facts rows={[[say.started, timeOf(made.started_at)], [say.stepsDone, steps.length > 0 ? count : null]]} />
      <Part title={say.left}>
        {made.effects.length === 0 && <p>{say.nothingLeft}</p>}
        <ul className={styles['tools']}>
          {made.effects.map((effect) => {
            const { id, state } = effectNode(effect, '')
            return (
              <li key={id}>
                <StateMark state={state} />
                <UnstyledButton className={links['rowLink'] ?? ''} onClick={() => onSelect(id)}>
                  {peerOf(effect)}
                </UnstyledButton>
                <span className={styles['cost']}>{effectWords(effect)}</span>
                {effect.last_error && <p>{effect.last_error}</p>}
              </li>
            )
          })}
        </ul>
      </Part>
      <Part title={say.made}>
        <Versions made={made} />
      </Part>
    </>
  )
}
