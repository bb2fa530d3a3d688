import { clampToGrid, toIndex, toWorld, type Grid } from '../../lib/geometry/grid'
import type { Plane, PlaneName } from '../../lib/geometry/planes'
import type { Vec3 } from '../../lib/geometry/vec'
import { setFocus, useReading } from '../../lib/reading/store'

/** Patient axis along which a plane scrolls, and the sign that is "up": head, front, patient's right. */
const scrollsAlong: Record<PlaneName, { axis: 0 | 1 | 2; up: 1 | -1 }> = {
  axial: { axis: 2, up: 1 },
  coronal: { axis: 1, up: -1 },
  sagittal: { axis: 0, up: -1 },
}

/** Index step that leads "up". */
function upwards(grid: Grid, { through, name }: Plane): 1 | -1 {
  const { axis, up } = scrollsAlong[name]
  return Math.sign(grid.axes[through][axis]) === up ? 1 : -1
}

/** Moves the focus by slices of a plane; positive is "up" (towards the head in axial). */
export function scrollBy(grid: Grid, plane: Plane, steps: number): void {
  const { focus } = useReading.getState()
  if (focus) setFocus(scrolled(grid, plane, focus, steps))
}

export function scrolled(grid: Grid, plane: Plane, focus: Vec3, steps: number): Vec3 {
  const index: [number, number, number] = [...toIndex(grid, focus)]
  index[plane.through] = Math.round(index[plane.through]) + steps * upwards(grid, plane)
  return clampToGrid(grid, toWorld(grid, index), plane.through)
}

/** First (head) or last (feet) slice of the stack. */
export function scrollToEnd(grid: Grid, plane: Plane, end: 'top' | 'bottom'): void {
  scrollBy(grid, plane, grid.size[plane.through] * (end === 'top' ? 1 : -1))
}

/** Slice number as read: 1 is the one nearest the head. From the place in mm, never from a renderer. */
export function readNumber(grid: Grid, focus: Vec3): number {
  const k = Math.round(toIndex(grid, focus)[2])
  return grid.axes[2][2] > 0 ? grid.size[2] - k : k + 1
}
