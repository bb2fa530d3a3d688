import type { HowMade, PlanVersion, TraceLine } from '../../api/plan'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import { factTitle, goalTitle } from './missing'
import { stepId } from './model'
import { causeWord, peerOf } from './nodes'
import { lacks } from './tried'

const { trace: say, step: stepWord, personDone, people, by: byWord, plan: planWord } = words.plan

/** One line of the table. */
export interface Row {
  readonly key: string
  readonly at: number | null
  readonly step: string
  readonly outcome: string
  readonly verdict: 'done' | 'failed' | 'waits' | null
  readonly cause: string
  readonly cost: string
  /** The node it tells of. */
  readonly node: string | null
}

const plain = { verdict: null, cost: '', node: null } as const
const planNumber = (number: number) => `${planWord.toLowerCase()} ${number}`

/** The tool by name, where several bear one title. */
export const named = (title: string, by: string): string => (by ? `${title}: ${by}` : title)

function stepOf(plan: PlanVersion | undefined, tool: string | null) {
  return plan?.nodes.find((one) => one.tool === tool)
}

type Told = Omit<Row, 'key' | 'at'>

/** Why a version was made; a failure's own line says that already. */
function goalRow(made: HowMade, plan: PlanVersion): Told | null {
  const kind = plan.because?.kind ?? 'news'
  if (kind === 'back_track' || kind === 'other_tool') return null
  const step = kind === 'news' && plan.version === made.plans[0]?.version ? say.goal : say[kind]
  const replaced = plan.because?.replaces ?? []
  const why = replaced.length > 0 ? `${plan.why}; ${say.replacing(replaced.join(', '))}` : plan.why
  const outcome = say.goalBecause(goalTitle(made.titles, plan.goal), why)
  return { ...plain, step, outcome, cause: planNumber(plan.version) }
}

/** A version given up for a failure; one that news took over from is told by the news. */
function backRow(made: HowMade, plan: PlanVersion): Told | null {
  const next = made.plans.find(({ because }) => because?.replaces.includes(plan.version))
  const because = next?.because
  const cause = next ? planNumber(next.version) : ''
  const node = because?.tool ? stepId(plan.version, because.tool) : null
  if (because?.kind === 'back_track') {
    const giver = stepOf(plan, because.giver)
    const outcome = say.setAside(because.set_aside.length, factTitle(made.titles, because.fact))
    return { ...plain, step: say.backTo(giver?.title ?? because.giver), outcome, cause, node }
  }
  if (because?.kind === 'other_tool') {
    const failed = stepOf(plan, because.tool)
    return { ...plain, step: say.other, outcome: say.instead(failed?.by || because.tool), cause, node }
  }
  return null
}

function endRow(made: HowMade, plan: PlanVersion): Told {
  const outcome = lacks(made, plan).join(' ') || plan.ended_why || goalTitle(made.titles, plan.goal)
  if (plan.state === 'done') return { ...plain, step: say.reached(plan.version), outcome, verdict: 'done', cause: stepWord.done }
  if (plan.state === 'waiting')
    return { ...plain, step: say.waits(plan.version), outcome, verdict: 'waits', cause: stepWord.waiting }
  return { ...plain, step: say.broke(plan.version), outcome, verdict: 'failed', cause: stepWord.failed }
}

function taskRow(line: TraceLine, plan: PlanVersion | undefined): Told {
  const failed = line.state !== 'done'
  const again = line.kind === 'reuse'
  return {
    step: named(line.step, stepOf(plan, line.tool)?.by ?? ''),
    outcome: line.outcome,
    verdict: failed ? 'failed' : 'done',
    cause: failed ? causeWord(line.cause) || stepWord.failed : again ? say.usedAgain : stepWord.done,
    cost: again || line.seconds === null ? '' : duration(line.seconds),
    node: plan && line.tool ? stepId(plan.version, line.tool) : null,
  }
}

const between = (start: number | null, end: number | null): string =>
  start === null || end === null ? '' : duration(end - start)

function effectRow(made: HowMade, line: TraceLine): Told {
  const effect = made.effects.find(({ key }) => key === line.key)
  const uid = String(line.receipt?.['sop_uid'] ?? line.key ?? '')
  return {
    step: words.plan.deliver,
    outcome: effect ? words.plan.asked(peerOf(effect)) : line.step,
    verdict: 'done',
    cause: say.receipt(`…${uid.slice(-8)}`),
    cost: effect ? between(effect.created_at_s, effect.done_at_s) : '',
    node: line.key,
  }
}

function told(made: HowMade, line: TraceLine): Told | null {
  const plan = made.plans.find(({ version }) => version === line.plan_version)
  if (line.kind === 'effect') return effectRow(made, line)
  if (line.kind === 'task' || line.kind === 'reuse') return taskRow(line, plan)
  if (!plan) return null
  if (line.kind === 'goal') return goalRow(made, plan)
  return line.kind === 'back' ? backRow(made, plan) : endRow(made, plan)
}

/** The whole story as lines, oldest first: what the engine did, and what people did between. */
export function rowsOf(made: HowMade): Row[] {
  const lines = made.trace.flatMap((line, at): Row[] => {
    const row = told(made, line)
    return row ? [{ ...row, key: `${at}`, at: line.at_s }] : []
  })
  const acts = made.people
    .filter(({ state }) => state === 'done')
    .map((person): Row => ({
      ...plain, key: person.act, at: person.at_s, step: people[person.act], verdict: 'done', node: person.act,
      outcome: `${personDone[person.act]} ${byWord(person.by ?? words.unknown)}`, cause: stepWord.done,
    }))
  return [...lines, ...acts].toSorted((a, b) => (a.at ?? Infinity) - (b.at ?? Infinity))
}
