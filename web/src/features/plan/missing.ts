import type { HowMade, PlanVersion } from '../../api/plan'
import { words } from '../../words'
import { stepId, type PlanNode } from './model'

const { plan: say } = words

export const factTitle = (titles: HowMade['titles'], fact: string): string =>
  titles.facts[fact] ?? fact.replaceAll('_', ' ')

export const goalTitle = (titles: HowMade['titles'], goal: string): string =>
  titles.goals[goal] ?? goal.replaceAll('_', ' ')

/** Facts nobody can give, and the tools that would: drawn where the plan would have stood. */
export function missingNodes(plan: PlanVersion, titles: HowMade['titles']): PlanNode[] {
  const givers = plan.missing.flatMap(({ fact, wanted_by, givers: known }) =>
    known.length > 0
      ? known.map((giver) => ({
          fact, wanted_by, tool: giver.tool, title: giver.title || giver.tool, waits: giver.why === 'needs_missing',
        }))
      : [{ fact, wanted_by, tool: `no.${fact}`, title: factTitle(titles, fact), waits: false }],
  )
  const seen = new Set<string>()
  const unique = givers.filter(({ tool }) => !seen.has(tool) && seen.add(tool))
  return unique.map(({ fact, wanted_by, tool, title, waits }) => ({
    kind: 'missing',
    id: stepId(plan.version, tool),
    title,
    note: waits ? say.waitsForIt : say.step.missing,
    state: waits ? 'not_run' : 'missing',
    depends: unique.filter((one) => one.wanted_by === tool).map((one) => stepId(plan.version, one.tool)),
    fact,
    wantedBy: wanted_by,
    version: plan.version,
  }))
}
