import { useEffect, useRef } from 'react'
import { middleOf, toWorld, toIndex } from '../../lib/geometry/grid'
import { toVec3 } from '../../lib/geometry/vec'
import { jumpTo, setFocus, startReading } from '../../lib/reading/store'
import { startSeen, stopSeen } from '../../lib/reading/seen'
import { firstSlice } from '../../lib/volume/series'
import { openVolume } from '../../lib/volume/store'
import type { StudyNow } from './useStudy'

/** Opens the study on the slice of finding 1 and fetches that slice first; closes all on leaving. */
export function useOpening(studyUid: string, { study, findings, placed }: StudyNow): void {
  const seriesUid = placed?.seriesUid
  // What was known when the series appeared decides the first slice; later changes must not reopen it.
  const latest = useRef({ study, findings, placed })
  useEffect(() => {
    latest.current = { study, findings, placed }
  })
  useEffect(() => startReading(studyUid), [studyUid])
  useEffect(() => {
    const { study: now, findings: marks, placed: series } = latest.current
    if (!seriesUid || !now || !series) return undefined
    const k = firstSlice(series.grid, marks, seriesUid)
    startSeen(now, seriesUid)
    const first = marks.find((finding) => finding.series_uid === seriesUid)
    if (first) jumpTo({ finding_id: first.finding_id, center_lps_mm: toVec3(first.center_lps_mm) })
    else {
      const [i, j] = toIndex(series.grid, middleOf(series.grid))
      setFocus(toWorld(series.grid, [i, j, k]))
    }
    const close = openVolume(series, k)
    return () => {
      stopSeen()
      close()
    }
  }, [studyUid, seriesUid])
}
