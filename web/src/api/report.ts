import { queryOptions } from '@tanstack/react-query'
import { client } from './client'
import { need } from './problem'
import type { components } from './schema'
import { studyKey } from './study'

type Schemas = components['schemas']

export type Report = Schemas['ReportView']
export type ReportLine = Schemas['ReportLine']
export type ReportSection = Schemas['ReportSection']
export type ReportSource = Schemas['ReportSource']

/** The report in words. Its key lies below the study's, so whatever changes a study asks for it again. */
export const reportQuery = (study_uid: string) =>
  queryOptions({
    queryKey: [...studyKey(study_uid), 'report'],
    queryFn: () => need<Report>(client.GET('/api/studies/{study_uid}/report', { params: { path: { study_uid } } })),
    staleTime: 0,
  })
