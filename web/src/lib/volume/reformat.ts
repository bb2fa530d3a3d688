import type { Plane } from '../geometry/planes'
import type { Volume } from './volume'

/** HU of one plane, in screen order (left to right, top to bottom). */
export interface PlaneImage {
  readonly hu: Int16Array
  readonly width: number
  readonly height: number
}

/** HU shown where no slice has arrived yet: darker than any window. */
export const notHere = -32768

interface Walk {
  readonly start: number
  readonly across: number
  readonly down: number
}

/** One slice of the grid is itself the plane: only the two screen directions may be turned. */
function fromSlice(slice: Int16Array, plane: Plane, out: PlaneImage, columns: number, mip: boolean) {
  const step = (axis: 0 | 1 | 2) => (axis === 0 ? 1 : columns)
  const walk: Walk = {
    across: step(plane.across) * (plane.flipAcross ? -1 : 1),
    down: step(plane.downward) * (plane.flipDown ? -1 : 1),
    start:
      (plane.flipAcross ? (out.width - 1) * step(plane.across) : 0) +
      (plane.flipDown ? (out.height - 1) * step(plane.downward) : 0),
  }
  let to = 0
  for (let y = 0; y < out.height; y += 1) {
    let from = walk.start + y * walk.down
    for (let x = 0; x < out.width; x += 1, to += 1, from += walk.across) {
      const value = slice[from] as number
      if (!mip || value > (out.hu[to] as number)) out.hu[to] = value
    }
  }
}

/** A row of each slice makes a row of the plane (coronal, sagittal of an axial series). */
function fromRows(volume: Volume, plane: Plane, index: number, out: PlaneImage, mip: boolean) {
  const columns = volume.series.grid.size[0]
  const inSlice = plane.across === 2 ? plane.downward : plane.across
  const along = inSlice === 0 ? 1 : columns
  const start = index * (inSlice === 0 ? columns : 1)
  const rowIsSlice = plane.downward === 2
  const [flipSlices, flipInside] = rowIsSlice
    ? [plane.flipDown, plane.flipAcross]
    : [plane.flipAcross, plane.flipDown]
  const inside = rowIsSlice ? out.width : out.height
  for (let k = 0; k < volume.count; k += 1) {
    const slice = volume.slices[k]
    if (!slice) continue
    const line = flipSlices ? volume.count - 1 - k : k
    for (let n = 0; n < inside; n += 1) {
      const value = slice[start + (flipInside ? inside - 1 - n : n) * along] as number
      const to = rowIsSlice ? line * out.width + n : n * out.width + line
      if (!mip || value > (out.hu[to] as number)) out.hu[to] = value
    }
  }
}

/** One plane at `index` along its scroll axis; with `reach` > 0 the maximum over index ± reach. */
export function reformat(volume: Volume, plane: Plane, index: number, reach = 0): PlaneImage {
  const { size } = volume.series.grid
  const [width, height] = [size[plane.across], size[plane.downward]]
  const out: PlaneImage = { hu: new Int16Array(width * height).fill(notHere), width, height }
  const last = size[plane.through] - 1
  for (let n = Math.max(0, index - reach); n <= Math.min(last, index + reach); n += 1) {
    if (plane.through !== 2) fromRows(volume, plane, n, out, reach > 0)
    else if (volume.slices[n]) fromSlice(volume.slices[n] as Int16Array, plane, out, size[0], reach > 0)
  }
  return out
}

/** Slices on each side of the middle one for a slab of so many mm. */
export const slabReach = (slabMm: number, stepMm: number): number =>
  Math.max(0, Math.round((slabMm / stepMm - 1) / 2))
