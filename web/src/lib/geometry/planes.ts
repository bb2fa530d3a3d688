import { scale, type Vec3 } from './vec'
import type { Grid } from './grid'

export type PlaneName = 'axial' | 'coronal' | 'sagittal'

/** How a plane of the grid lies on the screen. */
export interface Plane {
  readonly name: PlaneName
  /** Grid axes (0 i, 1 j, 2 k) that run along the screen, and the one that scrolls. */
  readonly across: 0 | 1 | 2
  readonly downward: 0 | 1 | 2
  readonly through: 0 | 1 | 2
  /** Unit patient directions of screen right, screen down and of the scroll axis. */
  readonly right: Vec3
  readonly down: Vec3
  readonly normal: Vec3
  /** True where the grid runs against the screen direction. */
  readonly flipAcross: boolean
  readonly flipDown: boolean
}

type AxisIndex = 0 | 1 | 2

/** Which grid axis lies nearest to each patient axis x, y, z; every grid axis is used once. */
export function patientAxes(grid: Grid): readonly [AxisIndex, AxisIndex, AxisIndex] {
  const pairs = grid.axes.flatMap((axis, a) =>
    axis.map((part, patient) => ({ a: a as AxisIndex, patient, weight: Math.abs(part) })),
  )
  const found: (AxisIndex | undefined)[] = [undefined, undefined, undefined]
  for (const { a, patient } of pairs.toSorted((p, q) => q.weight - p.weight))
    if (found[patient] === undefined && !found.includes(a)) found[patient] = a
  return found as [AxisIndex, AxisIndex, AxisIndex]
}

/** Screen directions of the radiological convention: patient right is on the screen's left, head up. */
const screens: Record<PlaneName, { across: number; down: number; downSign: 1 | -1; through: number }> = {
  axial: { across: 0, down: 1, downSign: 1, through: 2 },
  coronal: { across: 0, down: 2, downSign: -1, through: 1 },
  sagittal: { across: 1, down: 2, downSign: -1, through: 0 },
}

/** The three planes of a grid. They follow the grid, so no pixel is resampled along its own plane. */
export function planeOf(grid: Grid, name: PlaneName): Plane {
  const of = patientAxes(grid)
  const screen = screens[name]
  const across = of[screen.across] as AxisIndex
  const downward = of[screen.down] as AxisIndex
  const through = of[screen.through] as AxisIndex
  const along = (axis: AxisIndex) => grid.axes[axis] as Vec3
  const flipAcross = (along(across)[screen.across] as number) < 0
  const flipDown = Math.sign(along(downward)[screen.down] as number) !== screen.downSign
  return {
    name,
    across,
    downward,
    through,
    right: scale(along(across), flipAcross ? -1 : 1),
    down: scale(along(downward), flipDown ? -1 : 1),
    normal: along(through),
    flipAcross,
    flipDown,
  }
}
