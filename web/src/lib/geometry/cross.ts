import { add, distance, dot, scale, sub, unit, type Vec3 } from './vec'

/** Long and short axis of a nodule on one image: end points in mm, the short one perpendicular. */
export interface Cross {
  readonly long: readonly [Vec3, Vec3]
  readonly short: readonly [Vec3, Vec3]
}

/** The four ends a reader can move, in the order Tab visits them. */
export type HandleIndex = 0 | 1 | 2 | 3

const shortestMm = 0.5

const lerp = ([a, b]: readonly [Vec3, Vec3], t: number): Vec3 => add(a, scale(sub(b, a), t))
export const axisLength = ([a, b]: readonly [Vec3, Vec3]): number => distance(a, b)

/** In-plane direction perpendicular to `along`, given the plane's normal. */
function across(along: Vec3, normal: Vec3): Vec3 {
  const [ax, ay, az] = along
  const [nx, ny, nz] = normal
  return unit([ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax])
}

interface Shape {
  /** Where the short axis crosses the long one, 0 to 1 along it. */
  readonly at: number
  /** mm from there to both ends of the short axis, along the perpendicular. */
  readonly ends: readonly [number, number]
}

function shapeOf(cross: Cross, normal: Vec3): Shape {
  const along = unit(sub(cross.long[1], cross.long[0]))
  const side = across(along, normal)
  const from = (point: Vec3) => sub(point, cross.long[0])
  const at = dot(from(lerp(cross.short, 0.5)), along) / axisLength(cross.long)
  return { at, ends: [dot(from(cross.short[0]), side), dot(from(cross.short[1]), side)] }
}

function build(long: readonly [Vec3, Vec3], shape: Shape, normal: Vec3): Cross {
  const side = across(unit(sub(long[1], long[0])), normal)
  const foot = lerp(long, shape.at)
  return { long, short: [add(foot, scale(side, shape.ends[0])), add(foot, scale(side, shape.ends[1]))] }
}

/** A first cross on a drawn long axis: the short one through its middle, two thirds as long. */
export function crossOn(long: readonly [Vec3, Vec3], normal: Vec3): Cross {
  const half = axisLength(long) / 3
  return build(long, { at: 0.5, ends: [-half, half] }, normal)
}

/** A cross of known lengths around a centre, along the screen's directions. */
export function crossAround(centre: Vec3, longMm: number, shortMm: number, right: Vec3, normal: Vec3): Cross {
  const half = scale(right, longMm / 2)
  const long: [Vec3, Vec3] = [sub(centre, half), add(centre, half)]
  return build(long, { at: 0.5, ends: [-shortMm / 2, shortMm / 2] }, normal)
}

/** The cross with one end moved: a long end turns and stretches it, a short end widens and slides it. */
export function moveEnd(cross: Cross, handle: HandleIndex, to: Vec3, normal: Vec3): Cross {
  const shape = shapeOf(cross, normal)
  if (handle < 2) {
    const long: [Vec3, Vec3] = handle === 0 ? [to, cross.long[1]] : [cross.long[0], to]
    return axisLength(long) < shortestMm ? cross : build(long, shape, normal)
  }
  const along = unit(sub(cross.long[1], cross.long[0]))
  const from = sub(to, cross.long[0])
  const at = Math.min(1, Math.max(0, dot(from, along) / axisLength(cross.long)))
  const end = dot(from, across(along, normal))
  const ends: [number, number] = handle === 2 ? [end, shape.ends[1]] : [shape.ends[0], end]
  return Math.abs(ends[1] - ends[0]) < shortestMm ? cross : build(cross.long, { at, ends }, normal)
}

/** Long is the longer one, always. */
export const ordered = (cross: Cross): Cross =>
  axisLength(cross.short) > axisLength(cross.long) ? { long: cross.short, short: cross.long } : cross

export const handles = ({ long, short }: Cross): readonly [Vec3, Vec3, Vec3, Vec3] => [...long, ...short]
