import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { client } from './client'
import { need } from './problem'
import type { components } from './schema'

type Schemas = components['schemas']

export type Queue = Schemas['LearningQueue']
export type QueueItem = Schemas['QueueItem']
export type Model = Schemas['RegisteredModel']
export type Models = Schemas['ModelList']
export type Population = Schemas['RoundView']['population']

/** A difference between champion and challenger with its interval, as the gate found it. */
export interface Change {
  readonly champion: number
  readonly challenger: number
  readonly difference: number
  readonly lower: number
  readonly upper: number
  readonly margin: number
  readonly finding: 'better' | 'not_worse' | 'worse' | 'unclear'
}

export interface Verdict {
  readonly verdict: 'promote' | 'refuse' | 'not_enough_evidence'
  readonly reason: string
  readonly cases?: number
  readonly nodules?: number
  readonly look?: number
  readonly rates?: readonly number[]
  readonly curves?: { readonly champion?: readonly number[]; readonly challenger?: readonly number[] }
  readonly changes?: Readonly<Record<string, Change>>
}

export interface Progress {
  readonly stage?: string
  readonly done?: number
  readonly of?: number
  readonly left_s?: number
}

export type Round = Omit<Schemas['RoundView'], 'verdict' | 'progress'> & {
  readonly verdict: Verdict | Record<string, never>
  readonly progress: Progress
}

/** The verdict of a round that has one. */
export const verdictOf = ({ verdict }: Round): Verdict | null => ('verdict' in verdict ? (verdict as Verdict) : null)

const learningKey = ['learning'] as const
// Progress is told by the server every two seconds; ask about as often, and only while it moves.
const whileRunningMs = 2000
const otherwiseMs = 15_000

const moves = (rounds: readonly Round[] | undefined) =>
  rounds?.some((one) => one.state === 'queued' || one.state === 'running') ?? false

export const useLearningQueue = () =>
  useQuery({
    queryKey: [...learningKey, 'queue'],
    queryFn: () => need<Queue>(client.GET('/api/learning/queue')),
    refetchInterval: otherwiseMs,
  })

export const useRounds = () =>
  useQuery({
    queryKey: [...learningKey, 'rounds'],
    queryFn: async () => (await need<{ items: Round[] }>(client.GET('/api/learning/rounds'))).items,
    refetchInterval: ({ state }) => (moves(state.data) ? whileRunningMs : otherwiseMs),
  })

export const useModels = () =>
  useQuery({
    queryKey: [...learningKey, 'models'],
    queryFn: () => need<Models>(client.GET('/api/models')),
    refetchInterval: otherwiseMs,
  })

/** What somebody may do on the page; each act asks everything anew. */
export function useLearningActs() {
  const queries = useQueryClient()
  const onSettled = () => queries.invalidateQueries({ queryKey: learningKey })
  const start = useMutation({
    mutationFn: (population: Population) =>
      need<Round>(client.POST('/api/learning/rounds', { body: { population, seed: 0 } })),
    onSettled,
  })
  const promote = useMutation({
    mutationFn: ({ digest, phantom }: { digest: string; phantom: boolean }) =>
      need<Model>(
        client.POST('/api/models/{model_id}/promote', { params: { path: { model_id: digest } }, body: { phantom } }),
      ),
    onSettled,
  })
  const rollback = useMutation({
    mutationFn: (digest: string) =>
      need<Model>(client.POST('/api/models/{model_id}/rollback', { params: { path: { model_id: digest } } })),
    onSettled,
  })
  return { start, promote, rollback }
}
