import { queryOptions, type QueryClient } from '@tanstack/react-query'
import { client } from './client'
import { need } from './problem'
import type { Context, ContextIn, Decision, Finding, NewFinding, Seen, Signed, Study } from './types'

export const studiesKey = ['study'] as const
export const studyKey = (uid: string) => [...studiesKey, uid] as const

export const studyQuery = (study_uid: string) =>
  queryOptions({
    queryKey: studyKey(study_uid),
    queryFn: () => need<Study>(client.GET('/api/studies/{study_uid}', { params: { path: { study_uid } } })),
    staleTime: 10_000,
  })

const idempotent = (key: string) => ({ 'Idempotency-Key': key })

export const postDecision = (finding_id: string, body: Decision, key: string): Promise<Finding> =>
  need<Finding>(
    client.POST('/api/findings/{finding_id}/decisions', {
      params: { path: { finding_id }, header: idempotent(key) },
      body,
    }),
  )

export const postFinding = (study_uid: string, body: NewFinding, key: string): Promise<Finding> =>
  need<Finding>(
    client.POST('/api/studies/{study_uid}/findings', {
      params: { path: { study_uid }, header: idempotent(key) },
      body,
    }),
  )

export const putContext = (study_uid: string, body: ContextIn) =>
  need<Context>(client.PUT('/api/studies/{study_uid}/context', { params: { path: { study_uid } }, body }))

export const postSign = (study_uid: string, rest: 'dismissed' | null, as_of: number) =>
  need<Signed>(
    client.POST('/api/studies/{study_uid}/sign', {
      params: { path: { study_uid } },
      body: { as_of, ...(rest && { rest }) },
    }),
  )

export const putSeen = (study_uid: string, series_uid: string, slices: [number, number][]) =>
  need<Seen>(
    client.PUT('/api/studies/{study_uid}/seen', {
      params: { path: { study_uid } },
      body: { series_uid, slices },
    }),
  )

/** Puts the answers the server holds into the study that is on screen. */
export function putContextInCache(queries: QueryClient, studyUid: string, context: Context): void {
  queries.setQueryData<Study>(studyKey(studyUid), (study) => study && { ...study, context })
}

/** Puts a finding the server answered with into the study that is on screen. */
export function putFindingInCache(queries: QueryClient, finding: Finding): void {
  queries.setQueryData<Study>(studyKey(finding.study_uid), (study) => {
    if (!study) return study
    const others = study.findings.filter((one) => one.finding_id !== finding.finding_id)
    const findings = [...others, finding].toSorted((a, b) => a.number - b.number)
    return { ...study, findings }
  })
}
