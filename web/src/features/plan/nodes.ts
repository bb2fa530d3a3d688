import type { Effect, PersonStep, PlanStep, PlanVersion } from '../../api/plan'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import { stepId, type NodeState, type PlanNode } from './model'

const { plan: say } = words

export const causeWord = (cause: string | null): string => (cause ? (say.cause[cause] ?? cause.replaceAll('_', ' ')) : '')

/** A step's state in its plan; a result that was taken back later is shown as that. */
export const stateOf = (step: PlanStep): NodeState => (step.set_aside !== null ? 'set_aside' : step.state)

/** The first clause: a node has room for two words; the whole stands beside the graph. */
const brief = (message: string): string => /^[^,;:]*/.exec(message)?.[0] ?? ''

function note(step: PlanStep): string {
  const state = stateOf(step)
  if (state === 'failed') return step.message || causeWord(step.cause)
  if (state === 'done' || state === 'set_aside')
    return brief(step.message) || (step.seconds !== null ? duration(step.seconds) : say.step[state])
  return say.step[state]
}

export const stepNode = (plan: PlanVersion, step: PlanStep, depends: readonly string[]): PlanNode => ({
  kind: 'step',
  id: stepId(plan.version, step.tool),
  title: step.title || step.tool,
  note: note(step),
  state: stateOf(step),
  depends,
  step,
  version: plan.version,
})

/** Why a version was made, in the words of the failure that led to it, if one did. */
export function whyMade({ because, why }: PlanVersion): string {
  if (because?.kind === 'back_track') return say.backTrack(because.message)
  return because?.kind === 'other_tool' ? say.otherTool(because.message) : why
}

/** Whom an effect goes to, as the site named the node. */
export const peerOf = ({ what, kind }: Effect): string => (typeof what['node'] === 'string' ? what['node'] : kind)

/** "Sent" is never said before the peer was asked and holds it. */
export function effectWords({ state }: Effect): string {
  if (state === 'done') return say.holds
  return state === 'sending' ? say.sending : say.notSent
}

export const effectNode = (effect: Effect, giver: string): PlanNode => ({
  kind: 'effect',
  id: effect.key,
  title: say.deliver,
  note: effect.state === 'done' ? say.found : effectWords(effect),
  state: effect.state === 'done' ? 'done' : effect.last_error ? 'failed' : 'waiting',
  depends: [giver],
  effect,
})

export const personNode = (person: PersonStep, depends: readonly string[]): PlanNode => ({
  kind: 'person',
  id: person.act,
  title: say.people[person.act],
  note: person.state === 'done' ? say.by(person.by ?? words.unknown) : say.toDo(person.missing.length),
  state: person.state,
  depends,
  person,
})
