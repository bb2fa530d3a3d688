/** Points and directions in mm, patient frame LPS (x to the left, y to the back, z to the head). */
export type Vec3 = readonly [number, number, number]
export type Vec2 = readonly [number, number]

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
export const sub = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
export const scale = (a: Vec3, f: number): Vec3 => [a[0] * f, a[1] * f, a[2] * f]
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
export const length = (a: Vec3): number => Math.hypot(a[0], a[1], a[2])
export const distance = (a: Vec3, b: Vec3): number => length(sub(a, b))
export const unit = (a: Vec3): Vec3 => scale(a, 1 / length(a))
export const middle = (a: Vec3, b: Vec3): Vec3 => scale(add(a, b), 0.5)

export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
]

/** A three-number list from JSON as a point; throws on anything else, for a place is never guessed. */
export function toVec3(values: readonly number[]): Vec3 {
  const [x, y, z] = values
  if (values.length !== 3 || ![x, y, z].every(Number.isFinite))
    throw new Error('a point needs three finite numbers')
  return [x as number, y as number, z as number]
}
