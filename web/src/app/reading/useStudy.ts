import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useMe } from '../../api/session'
import { studyQuery } from '../../api/study'
import { findingOf, overlay, overlayContext } from '../../lib/decisions/acts'
import { useDecisions } from '../../lib/decisions/queue'
import { seriesGrid, shownSeries } from '../../lib/volume/series'

/** The study as the reader sees it: the server's answer with what waits laid over it. */
export function useStudy(studyUid: string) {
  const asked = useQuery(studyQuery(studyUid))
  const { data: me } = useMe()
  const queue = useDecisions((decisions) => decisions.queue)
  const study = asked.data
  const findings = useMemo(
    () => (study ? overlay(study.findings, queue, studyUid).filter(({ state }) => state !== 'withdrawn') : []),
    [study, queue, studyUid],
  )
  const context = useMemo(() => study && overlayContext(study.context, queue, studyUid), [study, queue, studyUid])
  const series = useMemo(() => study && shownSeries(study), [study])
  const placed = useMemo(() => (series ? seriesGrid(series) : null), [series])
  const notSent = useMemo(
    () => new Set(queue.flatMap((queued) => (queued.studyUid === studyUid ? (findingOf(queued) ?? []) : []))),
    [queue, studyUid],
  )
  return { asked, study, findings, context, series, placed, notSent, queue, me }
}

export type StudyNow = ReturnType<typeof useStudy>
