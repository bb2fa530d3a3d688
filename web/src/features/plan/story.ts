import type { HowMade, PersonStep, PlanStep, PlanVersion } from '../../api/plan'
import { missingNodes } from './missing'
import { stepId, type Back, type Graph, type Lane, type PlanNode } from './model'
import { effectNode, personNode, stepNode } from './nodes'

/** Versions that stand at `chosen`: the last of each goal that was not given up, and itself. */
export function inUse(plans: readonly PlanVersion[], chosen: PlanVersion): PlanVersion[] {
  const known = plans.filter((plan) => plan === chosen || (plan.version < chosen.version && plan.state !== 'given_up'))
  return known.filter((plan) => !known.some((other) => other.goal === plan.goal && other.version > plan.version))
}

interface Placed {
  readonly plan: PlanVersion
  readonly step: PlanStep
}

/** Steps of the versions in use; what a later version gives anew stands for the earlier one. */
function standing(used: readonly PlanVersion[]): Placed[] {
  const all = used.flatMap((plan) => plan.nodes.map((step) => ({ plan, step })))
  return all.filter(({ plan, step }) => {
    const later = used.filter((other) => other.version > plan.version).flatMap(({ nodes }) => nodes)
    return !step.gives.every((fact) => later.some(({ gives }) => gives.includes(fact)))
  })
}

/** What a step waits for: the tool its plan took the fact from, else whatever here gives it. */
function dependsOn({ plan, step }: Placed, main: readonly Placed[], people: readonly PersonStep[]): string[] {
  const ids = step.needs.flatMap((need) => {
    const giver = step.takes[need]
    const tool = main.find((one) => (giver ? one.step.tool === giver : one.step.gives.includes(need)))
    if (tool) return tool.plan === plan && tool.step === step ? [] : [stepId(tool.plan.version, tool.step.tool)]
    return people.filter(({ gives }) => gives.includes(need)).map(({ act }) => act)
  })
  return [...new Set(ids)]
}

function lanesOf(made: HowMade, chosen: PlanVersion, main: readonly Placed[]): Lane[] {
  const shown = new Set(main.map(({ step }) => step.task_id))
  const given = made.plans.filter(({ state, version }) => state === 'given_up' && version < chosen.version)
  return given.map((plan) => {
    const own = plan.nodes.filter(
      ({ state, task_id }) => state !== 'not_run' && state !== 'waiting' && !shown.has(task_id),
    )
    for (const { task_id } of own) shown.add(task_id)
    const nodes = own.map((step) => {
      const depends = Object.values(step.takes).flatMap((tool) => {
        if (own.some((one) => one.tool === tool)) return [stepId(plan.version, tool)]
        const there = main.find((one) => one.step.tool === tool)
        return there ? [stepId(there.plan.version, tool)] : []
      })
      return stepNode(plan, step, [...new Set(depends)])
    })
    return { plan, nodes }
  })
}

/** The step of `next` that now does what the failed one was for; in the main part, else in its lane. */
function replacement(next: PlanVersion, facts: readonly string[], ids: ReadonlySet<string>, main: readonly Placed[]) {
  const own = next.nodes.find(({ gives }) => gives.some((fact) => facts.includes(fact)))
  const there = main.find(({ step }) => step.gives.some((fact) => facts.includes(fact)))
  const id = own && stepId(next.version, own.tool)
  if (id && ids.has(id)) return id
  return there && stepId(there.plan.version, there.step.tool)
}

function backsOf(made: HowMade, lanes: readonly Lane[], main: readonly Placed[]): Back[] {
  const ids = new Set([
    ...lanes.flatMap(({ nodes }) => nodes.map(({ id }) => id)),
    ...main.map(({ plan, step }) => stepId(plan.version, step.tool)),
  ])
  return lanes.flatMap(({ plan, nodes }) => {
    const next = made.plans.find(({ because }) => because?.replaces.includes(plan.version))
    const because = next?.because
    if (!next || (because?.kind !== 'back_track' && because?.kind !== 'other_tool')) return []
    const from = nodes.find((node) => node.kind === 'step' && node.step.tool === because.tool)
    if (from?.kind !== 'step') return []
    const facts = because.kind === 'back_track' ? [because.fact] : from.step.gives
    const to = replacement(next, facts, ids, main)
    return to ? [{ from: from.id, to, kind: because.kind, why: because.message }] : []
  })
}

/** The drawn node that tells of a step: itself, or where its result is used again; null when none is. */
export function shownAs(made: HowMade, nodes: readonly PlanNode[]): (id: string) => string | null {
  const drawn = new Set(nodes.map(({ id }) => id))
  const byTask = new Map(nodes.flatMap((node) => (node.kind === 'step' && node.step.task_id ? [[node.step.task_id, node.id]] : [])))
  const tasks = new Map(
    made.plans.flatMap(({ version, nodes: steps }) => steps.map(({ tool, task_id }) => [stepId(version, tool), task_id])),
  )
  return (id) => (drawn.has(id) ? id : (byTask.get(tasks.get(id) ?? '') ?? null))
}

/** The picture of how a result was made, as it stood with one plan version; null when there is none. */
export function graphOf(made: HowMade, version: number): Graph | null {
  const chosen = made.plans.find((plan) => plan.version === version) ?? made.plans.at(-1)
  if (!chosen) return null
  const used = inUse(made.plans, chosen)
  const main = standing(used)
  const gives = new Set(main.flatMap(({ step }) => (step.state === 'done' ? step.gives : [])))
  const people = made.people.filter(({ needs }) => needs.some((fact) => gives.has(fact)))
  const steps = main.map((one) => stepNode(one.plan, one.step, dependsOn(one, main, people)))
  const acts = people.map((person) => {
    const before = main.filter(({ step }) => step.gives.some((fact) => person.needs.includes(fact)))
    return personNode(person, before.map(({ plan, step }) => stepId(plan.version, step.tool)))
  })
  const versions = new Set(used.map((plan) => plan.version))
  const sent = made.effects.flatMap((effect) => {
    const by = main.find(({ step }) => step.tool === effect.tool)
    return by && effect.plan_version !== null && versions.has(effect.plan_version)
      ? [effectNode(effect, stepId(by.plan.version, by.step.tool))]
      : []
  })
  const lanes = lanesOf(made, chosen, main)
  const lacking = used.flatMap((plan) => missingNodes(plan, made.titles))
  return { chosen, nodes: [...steps, ...acts, ...sent, ...lacking], lanes, backs: backsOf(made, lanes, main) }
}
