import { useQuery } from '@tanstack/react-query'
import { client } from './client'
import { useLive } from './live'
import { need } from './problem'
import type { components } from './schema'
import { studyKey } from './study'

type Schemas = components['schemas']

export type HowMade = Schemas['HowMade']
export type PlanVersion = Schemas['PlanVersionView']
export type PlanStep = Schemas['PlanStep']
export type Effect = Schemas['EffectView']
export type PersonStep = Schemas['PersonStep']
export type TraceLine = Schemas['TraceLine']
export type ToolTried = Schemas['ToolTried']
export type MissingFact = Schemas['MissingFact']
export type SubjectKind = 'study' | 'round'

const fetchStudy = (study_uid: string) =>
  need<HowMade>(client.GET('/api/studies/{study_uid}/plan', { params: { path: { study_uid } } }))

const fetchRound = (round_id: string) =>
  need<HowMade>(client.GET('/api/learning/rounds/{round_id}/plan', { params: { path: { round_id } } }))

/** Whether something is still under way: a plan that runs, or an object that was not found yet. */
export const isMoving = (made: HowMade): boolean =>
  made.plans.some(({ state }) => state === 'running') || made.effects.some(({ state }) => state !== 'done')

// The line of changes tells of each step; a failed try at a peer and a role without the line do not come by it.
const movingMs = 2000
const movingLiveMs = 5000

/** How a result was made. Its key stands below the study's: live changes of that touch this too. */
export function useHowMade(kind: SubjectKind, id: string) {
  const live = useLive(({ connected }) => connected)
  return useQuery({
    queryKey: [...studyKey(id), 'plan'],
    queryFn: () => (kind === 'study' ? fetchStudy(id) : fetchRound(id)),
    refetchInterval: ({ state }) => state.data && isMoving(state.data) && (live ? movingLiveMs : movingMs),
  })
}
