import { useEffect, useRef } from 'react'
import type { Finding } from '../../../api/types'
import type { Grid } from '../../../lib/geometry/grid'
import { toVec3 } from '../../../lib/geometry/vec'
import { fitScale, type View } from '../../../lib/geometry/view'
import { setLook, useLooks } from '../views'

/** Axes are set by tenths of a millimetre: a nodule takes at least this many px while they are. */
const leastPx = 150
const smallestMm = 5

/** Brings a small nodule near while its axes are edited, and the picture back afterwards. */
export function useMagnify(finding: Finding | null, grid: Grid, view: View | null): void {
  const now = useRef({ finding, grid, view })
  useEffect(() => {
    now.current = { finding, grid, view }
  })
  const id = finding?.finding_id
  useEffect(() => {
    const { finding: edited, grid: on, view: shown } = now.current
    if (!id || !edited || !shown) return undefined
    const before = useLooks.getState().axial
    const fit = fitScale(on, shown.plane, shown.width, shown.height)
    const zoom = leastPx / Math.max(smallestMm, edited.long_mm ?? 0) / fit
    if (zoom <= before.zoom) return undefined
    setLook('axial', { zoom, centre: toVec3(edited.center_lps_mm) })
    return () => setLook('axial', before)
  }, [id])
}
