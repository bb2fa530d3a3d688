import type { Finding, Series, Study } from '../../api/types'
import { gridFromAffine, toIndex, type Grid } from '../geometry/grid'
import { toVec3 } from '../geometry/vec'
import type { SeriesGrid } from './volume'

/** Only a series that may be read as one volume gets reformatted planes. */
const regularVerdicts = new Set(['run', 'run_flagged'])

/** The series that is shown: the one the result was made on, else the first that is packed. */
export function shownSeries(study: Study): Series | null {
  const packed = study.series.filter((series) => series.volume !== null)
  return packed.find((series) => series.chosen) ?? packed[0] ?? null
}

/** Placement of a packed series; null when it is not packed. */
export function seriesGrid(series: Series): (SeriesGrid & { url: string }) | null {
  const { volume } = series
  if (!volume) return null
  return {
    seriesUid: series.series_uid,
    grid: gridFromAffine(volume.affine, volume.shape_zyx),
    sopUids: volume.sop_uids,
    regular: series.verdict !== null && regularVerdicts.has(series.verdict),
    url: volume.url,
  }
}

/** Slice along k that shows a finding. */
export const sliceOfFinding = (grid: Grid, finding: Pick<Finding, 'center_lps_mm'>): number =>
  Math.min(grid.size[2] - 1, Math.max(0, Math.round(toIndex(grid, toVec3(finding.center_lps_mm))[2])))

/** The slice to fetch first: that of the most suspicious finding, else the middle one. */
export function firstSlice(grid: Grid, findings: readonly Finding[], seriesUid: string): number {
  const first = findings.find((finding) => finding.series_uid === seriesUid)
  return first ? sliceOfFinding(grid, first) : Math.floor(grid.size[2] / 2)
}
