import type { Finding } from '../../api/types'
import { cutRadius, halfSide } from '../../lib/geometry/marks'
import type { Vec3 } from '../../lib/geometry/vec'
import { offSlice, worldToCanvas, type View } from '../../lib/geometry/view'

/** A mark as it stands in one viewport now, CSS px. */
export interface Spot {
  readonly id: string
  readonly number: number
  readonly state: Finding['state']
  readonly x: number
  readonly y: number
  readonly half: number
}

/** Without a size a mark is shown on this many mm around its centre. */
const unsizedRadiusMm = 2.5

const gone = new Set<Finding['state']>(['rejected', 'withdrawn', 'dismissed'])

const radiusOf = ({ long_mm }: Finding): number => (long_mm ?? 2 * unsizedRadiusMm) / 2

/** Marks on the shown slice or slab. Rejected ones are gone, but for the one hovered in the list. */
export function spotsOf(
  findings: readonly Finding[],
  view: View,
  shown: Vec3,
  slabMm: number,
  hovered: string | null,
): Spot[] {
  return findings.flatMap((finding) => {
    if (gone.has(finding.state) && finding.finding_id !== hovered) return []
    const off = Math.max(0, Math.abs(offSlice(view, finding.center_lps_mm, shown)) - slabMm / 2)
    const cut = cutRadius(radiusOf(finding), off)
    if (cut === null) return []
    const [x, y] = worldToCanvas(view, finding.center_lps_mm)
    const half = halfSide(cut, view.pxPerMm)
    const outside = x < -half || y < -half || x > view.width + half || y > view.height + half
    if (outside) return []
    return [{ id: finding.finding_id, number: finding.number, state: finding.state, x, y, half }]
  })
}

/** The smallest mark under a point. */
export const spotAt = (spots: readonly Spot[], x: number, y: number): Spot | null =>
  spots
    .filter((spot) => Math.abs(spot.x - x) <= spot.half && Math.abs(spot.y - y) <= spot.half)
    .toSorted((a, b) => a.half - b.half)[0] ?? null
