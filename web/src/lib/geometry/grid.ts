import { add, dot, length, scale, sub, toVec3, unit, type Vec3 } from './vec'

/** A regular voxel grid: index (i column, j row, k slice) to LPS mm by `origin + i·di + j·dj + k·dk`. */
export interface Grid {
  readonly size: readonly [number, number, number]
  readonly origin: Vec3
  /** Unit directions of i, j, k. */
  readonly axes: readonly [Vec3, Vec3, Vec3]
  /** mm a step along i, j, k. */
  readonly spacing: Vec3
}

/**
 * Grid from the server's row-major 4×4 matrix, which maps (z, y, x, 1) indices to (x, y, z, 1) mm.
 * Note the turned order: the first column is the step from slice to slice.
 */
export function gridFromAffine(
  affine: readonly (readonly number[])[],
  [slices, rows, columns]: readonly [number, number, number],
): Grid {
  const column = (c: number) => toVec3(affine.slice(0, 3).map((row) => row[c] ?? Number.NaN))
  const steps = [column(2), column(1), column(0)] as const
  return {
    size: [columns, rows, slices],
    origin: column(3),
    axes: [unit(steps[0]), unit(steps[1]), unit(steps[2])],
    spacing: [length(steps[0]), length(steps[1]), length(steps[2])],
  }
}

/** Patient mm of a voxel index, which may be fractional. */
export function toWorld(grid: Grid, index: Vec3): Vec3 {
  return grid.axes.reduce<Vec3>(
    (sum, axis, a) => add(sum, scale(axis, (index[a] as number) * (grid.spacing[a] as number))),
    grid.origin,
  )
}

/** Fractional voxel index of a place in mm; the axes of a readable grid are perpendicular. */
export function toIndex(grid: Grid, world: Vec3): Vec3 {
  const from = sub(world, grid.origin)
  return [
    dot(from, grid.axes[0]) / grid.spacing[0],
    dot(from, grid.axes[1]) / grid.spacing[1],
    dot(from, grid.axes[2]) / grid.spacing[2],
  ]
}

/** The middle of the grid in mm. */
export const middleOf = (grid: Grid): Vec3 =>
  toWorld(grid, [(grid.size[0] - 1) / 2, (grid.size[1] - 1) / 2, (grid.size[2] - 1) / 2])

/** A place moved into the grid, and onto the nearest slice along `axis` when one is given. */
export function clampToGrid(grid: Grid, world: Vec3, snapAxis?: 0 | 1 | 2): Vec3 {
  const index = toIndex(grid, world).map((value, a) => {
    const snapped = a === snapAxis ? Math.round(value) : value
    return Math.min((grid.size[a] as number) - 1, Math.max(0, snapped))
  })
  return toWorld(grid, [index[0] as number, index[1] as number, index[2] as number])
}
