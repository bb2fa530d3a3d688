import type { Effect, PersonStep, PlanStep, PlanVersion } from '../../api/plan'

export type NodeState = 'done' | 'running' | 'waiting' | 'failed' | 'set_aside' | 'not_run' | 'missing'

interface Base {
  readonly id: string
  readonly title: string
  readonly note: string
  readonly state: NodeState
  readonly depends: readonly string[]
}

export type PlanNode =
  | (Base & { readonly kind: 'step'; readonly step: PlanStep; readonly version: number })
  | (Base & { readonly kind: 'effect'; readonly effect: Effect })
  | (Base & { readonly kind: 'person'; readonly person: PersonStep })
  | (Base & { readonly kind: 'missing'; readonly fact: string; readonly wantedBy: string; readonly version: number })

/** A given-up version: what it had done or tried that is not part of the plan in use. */
export interface Lane {
  readonly plan: PlanVersion
  readonly nodes: readonly PlanNode[]
}

/** From a failed step to the step that stands in its place now, with the reason. */
export interface Back {
  readonly from: string
  readonly to: string
  readonly kind: 'back_track' | 'other_tool'
  readonly why: string
}

export interface Graph {
  readonly chosen: PlanVersion
  readonly nodes: readonly PlanNode[]
  readonly lanes: readonly Lane[]
  readonly backs: readonly Back[]
}

export const stepId = (version: number, tool: string): string => `${version}.${tool}`
