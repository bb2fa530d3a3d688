import { toIndex, type Grid } from './grid'
import type { Plane } from './planes'
import { add, dot, scale, sub, type Vec2, type Vec3 } from './vec'

/** One viewport: a plane, the patient point in its middle, and how many CSS pixels a mm takes. */
export interface View {
  readonly plane: Plane
  readonly centre: Vec3
  readonly pxPerMm: number
  readonly width: number
  readonly height: number
}

/** CSS pixel of a place, projected along the plane's normal. */
export function worldToCanvas(view: View, world: Vec3): Vec2 {
  const from = sub(world, view.centre)
  return [
    view.width / 2 + dot(from, view.plane.right) * view.pxPerMm,
    view.height / 2 + dot(from, view.plane.down) * view.pxPerMm,
  ]
}

/** The place under a CSS pixel, on the plane through `depth` (any point of the shown slice). */
export function canvasToWorld(view: View, [x, y]: Vec2, depth: Vec3): Vec3 {
  const across = (x - view.width / 2) / view.pxPerMm
  const down = (y - view.height / 2) / view.pxPerMm
  const inPlane = add(view.centre, add(scale(view.plane.right, across), scale(view.plane.down, down)))
  const off = dot(sub(depth, inPlane), view.plane.normal)
  return add(inPlane, scale(view.plane.normal, off))
}

/** Signed mm of a place from the shown slice. */
export const offSlice = (view: View, world: Vec3, shown: Vec3): number =>
  dot(sub(world, shown), view.plane.normal)

/** The scale at which the whole plane just fits. */
export function fitScale(grid: Grid, plane: Plane, width: number, height: number): number {
  const mm = (axis: 0 | 1 | 2) => grid.size[axis] * grid.spacing[axis]
  return Math.min(width / mm(plane.across), height / mm(plane.downward))
}

/** Slice number along the plane's scroll axis, from the place in mm, never from a renderer. */
export function sliceIndex(grid: Grid, plane: Plane, world: Vec3): number {
  const index = Math.round(toIndex(grid, world)[plane.through])
  return Math.min(grid.size[plane.through] - 1, Math.max(0, index))
}
