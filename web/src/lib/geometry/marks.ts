/** Look of a mark (look.md, section 4): outside the nodule edge, at least 14 px half side. */
/** Length of a corner as a share of the half side: the selected mark, the others. */
export const cornerShare = { selected: 0.42, other: 0.28 }
const marginMm = 2
const marginPx = 6
const smallestPx = 14

/** Radius of the sphere's cut at `offMm` from its centre; null beyond the sphere. */
export function cutRadius(radiusMm: number, offMm: number): number | null {
  const inside = radiusMm * radiusMm - offMm * offMm
  return inside < 0 ? null : Math.sqrt(inside)
}

/** Half side of the corner brackets in px. */
export const halfSide = (radiusMm: number, pxPerMm: number): number =>
  Math.max(smallestPx, radiusMm * pxPerMm + Math.max(marginMm * pxPerMm, marginPx))

/** SVG path of four corners around (x, y). */
export function corners(x: number, y: number, half: number, share = cornerShare.selected): string {
  const arm = half * share
  return [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    .map(([sx = 1, sy = 1]) => {
      const [cx, cy] = [x + sx * half, y + sy * half]
      return `M${cx - sx * arm} ${cy}L${cx} ${cy}L${cx} ${cy - sy * arm}`
    })
    .join('')
}

interface Spot {
  readonly id: string
  readonly x: number
  readonly y: number
  readonly half: number
}

/** Ids that keep their number but lose their corners: they overlap the selected mark. */
export function overlapped(spots: readonly Spot[], selected: string | null): Set<string> {
  const chosen = spots.find((spot) => spot.id === selected)
  if (!chosen) return new Set()
  const hit = (spot: Spot) =>
    spot.id !== chosen.id &&
    Math.abs(spot.x - chosen.x) < spot.half + chosen.half &&
    Math.abs(spot.y - chosen.y) < spot.half + chosen.half
  return new Set(spots.filter(hit).map((spot) => spot.id))
}
