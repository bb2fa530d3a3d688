import type { HowMade, PlanStep } from '../../api/plan'
import { Facts } from '../../components/Facts'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import { factTitle } from './missing'
import type { Graph, PlanNode } from './model'
import { causeWord } from './nodes'
import { Part, Recorded, SideHead, StepLinks } from './Parts'
import { ToolsTried } from './ToolsTried'
import { triedFor, whyTaken } from './tried'

const { side: say, step: stepWord, at, since } = words.plan

function stateWords(step: PlanStep): string {
  if (step.state === 'running') return step.started_at_s === null ? stepWord.running : since(stepWord.running, duration(step.started_at_s))
  const word = step.reused ? stepWord.reused : step.set_aside === null ? stepWord[step.state] : stepWord.set_aside
  return step.ended_at_s === null || step.reused ? word : at(word, duration(step.ended_at_s))
}

/** The digest of a model stands behind the `+` of its tool's version. */
const [toolVersion, modelDigest] = [0, 1].map((part) => (version: string) => version.split('+')[part] ?? '') as [
  (version: string) => string,
  (version: string) => string,
]

interface Props {
  readonly made: HowMade
  readonly graph: Graph
  readonly node: Extract<PlanNode, { kind: 'step' }>
  readonly onSelect: (id: string) => void
}

function rowsOf({ made, node }: Props) {
  const { step } = node
  const task = made.tasks.find(({ task_id }) => task_id === step.task_id)
  const names = (facts: readonly string[]) => facts.map((fact) => factTitle(made.titles, fact)).join(', ') || null
  const needs = step.needs.map((fact) => (fact in step.takes ? factTitle(made.titles, fact) : say.atHand(factTitle(made.titles, fact))))
  const digest = modelDigest(step.version)
  return [
    [say.needs, needs.join(', ') || null],
    [say.gives, names(step.gives)],
    [say.result, step.message || null],
    [say.cause, step.cause && causeWord(step.cause)],
    [say.setAside, step.set_aside],
    [say.tool, say.version(step.by || step.tool, toolVersion(step.version))],
    [say.model, digest || null],
    [say.took, step.seconds === null ? null : duration(step.reused ? (task?.seconds ?? 0) : step.seconds)],
    [say.tries, step.attempts > 1 ? String(step.attempts) : null],
    [say.ranOn, task?.executor || null],
    [say.plan, String(node.version)],
  ] as const
}

/** One step: what it needed and gave, which tools were tried for it and why this one. */
export function StepSide(props: Props) {
  const { made, graph, node, onSelect } = props
  const { step } = node
  const plan = made.plans.find(({ version }) => version === node.version)
  const task = made.tasks.find(({ task_id }) => task_id === step.task_id)
  const all = [...graph.nodes, ...graph.lanes.flatMap(({ nodes }) => nodes)]
  const users = all.filter(({ depends }) => depends.includes(node.id))
  return (
    <>
      <SideHead title={node.title} state={node.state} words={stateWords(step)} />
      <Facts rows={rowsOf(props)} />
      <ToolsTried made={made} tried={triedFor(made, step)} used={step.tool} />
      {plan && (
        <Part title={say.why}>
          <p>{whyTaken(plan, step)}</p>
        </Part>
      )}
      <Part title={say.usedBy}>{users.length > 0 ? <StepLinks nodes={users} onSelect={onSelect} /> : <p>{say.nobody}</p>}</Part>
      {task && <Recorded title={say.recorded} values={[[say.inputs, task.inputs], [say.outputs, task.outputs], [say.tool, `${step.tool} ${step.version}`]]} />}
    </>
  )
}
