import type { HowMade, PlanStep, PlanVersion, ToolTried } from '../../api/plan'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import { factTitle } from './missing'
import { causeWord } from './nodes'

const { side: say } = words.plan

export const toolName = ({ by, title, tool }: Pick<ToolTried, 'by' | 'title' | 'tool'>): string => by || title || tool

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const order: readonly ToolTried['verdict'][] = ['failed', 'set_aside', 'running', 'waiting', 'done', 'not_tried']
const rank = ({ verdict }: ToolTried) => order.indexOf(verdict)

/** Tools that give what a step gives, the one that was used first, those never tried last. */
export function triedFor(made: HowMade, step: PlanStep): ToolTried[] {
  const about = made.tools.filter(({ fact }) => step.gives.includes(fact))
  const seen = new Set<string>()
  const once = about.filter(({ tool }) => !seen.has(tool) && seen.add(tool))
  return once.toSorted((a, b) => rank(a) - rank(b))
}

/** Why a tool was not taken, or what came of it, in one sentence. */
export function triedWords(made: HowMade, one: ToolTried): string {
  if (one.cause === 'needs_missing' && one.lacks.length > 0)
    return say.needsMissing(one.lacks.map((fact) => factTitle(made.titles, fact)).join(', '))
  if (one.cause === 'costlier') return say.costlier
  const parts = [capital(causeWord(one.cause)), one.message].filter(Boolean)
  return parts.join(': ')
}

/** Why this tool and no other, from what the planner wrote down. */
export function whyTaken(plan: PlanVersion, step: PlanStep): string {
  if (step.done_already) return say.already
  const others = plan.rejected.filter(({ fact }) => step.gives.includes(fact))
  const dearer = others.filter(({ why, cost_s }) => why === 'costlier' && cost_s !== null)
  if (others.length === 0) return say.only
  if (dearer.length === 0) return say.others
  const theirs = dearer.map((one) => say.theirs(toolName(one), duration(one.cost_s ?? 0))).join(', ')
  return say.cheapest(say.oursExpected(toolName(step), duration(step.cost_s)), theirs)
}

/** What a plan lacks, at the root: a tool that only waits for another one is left out. */
export function lacks(made: HowMade, plan: PlanVersion): string[] {
  const roots = plan.missing.filter(({ givers }) => givers.length === 0 || !givers.every(({ why }) => why === 'needs_missing'))
  return roots.flatMap(({ fact, givers }) => {
    const title = factTitle(made.titles, fact)
    if (givers.length === 0) return [`${words.plan.noGiver(title)}.`]
    return givers.map((giver) => words.plan.cannot(title, toolName(giver), giver.message))
  })
}
