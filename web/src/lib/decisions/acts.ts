import type { Context, ContextIn, Decision, Finding, NewFinding } from '../../api/types'
import { distance, type Vec3 } from '../geometry/vec'

/** What a reader did, before the server has answered. */
export type Act =
  | { readonly kind: 'decide'; readonly findingId: string; readonly body: Omit<Decision, 'base_version'> }
  | { readonly kind: 'add'; readonly findingId: string; readonly body: NewFinding }
  | { readonly kind: 'context'; readonly body: ContextIn }

export type ActState = 'waiting' | 'conflict' | 'refused'

/** One act in the queue. `key` makes sending it twice the same as once. */
export interface QueuedAct {
  readonly key: string
  readonly user: string
  readonly studyUid: string
  readonly act: Act
  /** ISO time of the reader's hand. */
  readonly at: string
  readonly baseVersion: number
  readonly state: ActState
  /** The finding as it looks with this act done. */
  readonly shown: Finding | null
  /** With a conflict: the finding as the server has it. */
  readonly current: Finding | null
  readonly problem: string | null
}

export const findingOf = ({ act }: QueuedAct): string | null => ('findingId' in act ? act.findingId : null)

/** Length of an axis to 0.1 mm, to show until the server has computed it. */
const axisLength = ([from, to]: [Vec3, Vec3]): number => Math.round(distance(from, to) * 10) / 10

/** What belongs to the machine's outline and goes with it, as the server does. */
const machineOnly = { volume_mm3: null, long_interval_mm: null, short_interval_mm: null, volume_interval_mm3: null } as const

const stateAfter = { confirm: 'confirmed', reject: 'rejected', correct: 'corrected', reopen: 'pending' } as const

/** A finding as it looks after a decision; `before` is what a retraction goes back to. */
export function afterDecision(
  finding: Finding,
  body: Omit<Decision, 'base_version'>,
  before: Finding | null,
  by: string,
  at: string,
): Finding {
  const { decision, reason, ...attributes } = body
  if (decision === 'retract') return before ?? finding
  const known = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
  const lengths = {
    ...(attributes.long_axis_lps_mm && { long_mm: axisLength(attributes.long_axis_lps_mm) }),
    ...(attributes.short_axis_lps_mm && { short_mm: axisLength(attributes.short_axis_lps_mm) }),
  }
  const moved = attributes.long_axis_lps_mm ?? attributes.short_axis_lps_mm ?? attributes.center_lps_mm
  const added = finding.state === 'added' && decision === 'correct'
  return {
    ...finding,
    ...(known as Partial<Finding>),
    ...lengths,
    ...(moved && machineOnly),
    state: added ? 'added' : stateAfter[decision],
    reject_reason: decision === 'reject' ? (reason ?? null) : null,
    decided_by: by,
    decided_at: at,
    can_undo: true,
  }
}

/** The server's findings with what waits in the queue laid over them. */
export function overlay(findings: readonly Finding[], queue: readonly QueuedAct[], studyUid: string): Finding[] {
  const shown = new Map(findings.map((finding) => [finding.finding_id, finding]))
  for (const queued of queue)
    if (queued.studyUid === studyUid && queued.shown && queued.state === 'waiting')
      shown.set(queued.shown.finding_id, queued.shown)
  return [...shown.values()].toSorted((a, b) => a.number - b.number)
}

/** The act to send next: oldest first, and nothing on a finding whose earlier act hangs. */
export function nextToSend(queue: readonly QueuedAct[], user: string): QueuedAct | null {
  const blocked = new Set<string>()
  for (const queued of queue) {
    if (queued.user !== user) continue
    const finding = findingOf(queued)
    if (queued.state === 'waiting' && !(finding && blocked.has(finding))) return queued
    if (finding) blocked.add(finding)
  }
  return null
}

/** The queue after the server took an act: later acts on the same finding build on its answer. */
export function settle(queue: readonly QueuedAct[], key: string, answer: Finding | null): QueuedAct[] {
  const done = queue.find((queued) => queued.key === key)
  const before = done && findingOf(done)
  return queue
    .filter((queued) => queued.key !== key)
    .map((queued) => {
      if (!answer || !before || findingOf(queued) !== before) return queued
      const { act } = queued
      const renamed = 'findingId' in act ? { ...act, findingId: answer.finding_id } : act
      const shown = queued.shown && { ...queued.shown, finding_id: answer.finding_id, number: answer.number }
      return { ...queued, act: renamed, shown, baseVersion: answer.version }
    })
}

/** The study's context with waiting answers laid over it; their source is the reader. */
export function overlayContext(context: Context, queue: readonly QueuedAct[], studyUid: string): Context {
  const answers = queue
    .filter((queued) => queued.studyUid === studyUid && queued.state === 'waiting')
    .flatMap(({ act, user, at }) =>
      act.kind === 'context'
        ? Object.entries(act.body).map(([field, value]) => [field, { value, source: 'reader', by: user, at }])
        : [],
    )
  return { ...context, ...(Object.fromEntries(answers) as Partial<Context>) }
}
