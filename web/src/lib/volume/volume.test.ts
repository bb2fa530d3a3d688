import { describe, expect, it } from 'vitest'
import { planeOf } from '../geometry/planes'
import type { Grid } from '../geometry/grid'
import { notHere, reformat, slabReach } from './reformat'
import { Cutter, outward, unpackSlice } from './slices'
import { Volume } from './volume'
import { dragged, greyTable, isLungWindow, presetOf, presets } from './window'

/** The server's packing, written the plain way: difference to the left, zigzag, bytes apart. */
function pack(values: readonly (readonly number[])[]): Uint8Array {
  const coded = values.flatMap((row) =>
    row.map((value, n) => {
      const difference = ((value - (n > 0 ? (row[n - 1] as number) : 0)) << 16) >> 16
      return ((difference << 1) ^ (difference >> 15)) & 0xffff
    }),
  )
  return Uint8Array.from([...coded.map((code) => code & 255), ...coded.map((code) => code >> 8)])
}

describe('stream', () => {
  it.each([
    [[[-1024, -1024, 40], [3071, -1024, 0]]],
    [[[-32768, 32767, -32768], [32767, 0, -1]]],
  ])('gives back every value, also over the edge of 16 bits', (values) => {
    expect([...unpackSlice(pack(values), 2, 3)]).toEqual(values.flat())
  })

  it('refuses a slice of another size', () => {
    expect(() => unpackSlice(new Uint8Array(10), 2, 3)).toThrow('10 bytes, not 12')
  })

  it.each([
    [2, 5, [2, 3, 1, 4, 0]],
    [0, 3, [0, 1, 2]],
    [3, 4, [3, 2, 1, 0]],
    [0, 1, [0]],
  ])('comes outward from slice %d of %d', (first, count, order) => expect(outward(first, count)).toEqual(order))

  it('is cut into slices whatever the chunks', () => {
    const bytes = Uint8Array.from({ length: 12 }, (_, n) => n)
    for (const sizes of [[12], [1, 11], [5, 5, 2], [4, 4, 4]]) {
      const cutter = new Cutter(4)
      let at = 0
      const pieces = sizes.flatMap((size) => {
        at += size
        return cutter.push(bytes.subarray(at - size, at))
      })
      expect(pieces.map((piece) => [...piece])).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
      expect(cutter.broken).toBe(false)
    }
    const cut = new Cutter(4)
    cut.push(bytes.subarray(0, 6))
    expect(cut.broken).toBe(true)
  })
})

const size = [2, 3, 4] as const
const grid: Grid = { size, origin: [0, 0, 0], axes: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], spacing: [1, 1, 1] }

/** Every voxel says where it is: 100 k + 10 j + i. */
function numbered(on: Grid = grid): Volume {
  const volume = new Volume({ seriesUid: '1', grid: on, sopUids: [], regular: true })
  for (let k = 0; k < 4; k += 1)
    volume.put(k, Int16Array.from({ length: 6 }, (_, n) => 100 * k + 10 * Math.floor(n / 2) + (n % 2)))
  return volume
}

const rows = (volume: Volume, name: 'axial' | 'coronal' | 'sagittal', index: number, reach = 0) => {
  const image = reformat(volume, planeOf(volume.series.grid, name), index, reach)
  return Array.from({ length: image.height }, (_, y) => [...image.hu.subarray(y * image.width, (y + 1) * image.width)])
}

describe('reformat', () => {
  it('cuts the three planes with the head up', () => {
    expect(rows(numbered(), 'axial', 1)).toEqual([[100, 101], [110, 111], [120, 121]])
    expect(rows(numbered(), 'coronal', 1)).toEqual([[310, 311], [210, 211], [110, 111], [10, 11]])
    expect(rows(numbered(), 'sagittal', 1)).toEqual([[301, 311, 321], [201, 211, 221], [101, 111, 121], [1, 11, 21]])
  })

  it('turns what runs the other way', () => {
    const prone = numbered({ ...grid, axes: [[-1, 0, 0], [0, -1, 0], [0, 0, 1]] })
    expect(rows(prone, 'axial', 0)).toEqual([[21, 20], [11, 10], [1, 0]])
    const feetUp = numbered({ ...grid, axes: [[1, 0, 0], [0, 1, 0], [0, 0, -1]] })
    expect(rows(feetUp, 'coronal', 0)).toEqual([[0, 1], [100, 101], [200, 201], [300, 301]])
  })

  it('takes the maximum of a slab and stops at the ends', () => {
    expect(rows(numbered(), 'axial', 1, 1)).toEqual([[200, 201], [210, 211], [220, 221]])
    expect(rows(numbered(), 'axial', 3, 5)).toEqual([[300, 301], [310, 311], [320, 321]])
    expect(slabReach(10, 1.25)).toBe(4)
    expect(slabReach(1, 2.5)).toBe(0)
  })

  it('shows nothing where no slice has arrived, and says so once it has', () => {
    const volume = new Volume({ seriesUid: '1', grid, sopUids: [], regular: true })
    const told: (number | null)[] = []
    volume.subscribe((k) => told.push(k))
    expect(rows(volume, 'axial', 0).flat().every((value) => value === notHere)).toBe(true)
    volume.put(0, new Int16Array(6))
    volume.put(0, new Int16Array(6))
    expect([volume.loaded, volume.status, told]).toEqual([1, 'loading', [0, 0]])
    for (const k of [1, 2, 3]) volume.put(k, new Int16Array(6))
    expect(volume.status).toBe('whole')
    volume.dispose()
    expect(volume.slices.every((slice) => slice === undefined)).toBe(true)
  })
})

describe('window', () => {
  it('maps its ends to black and white', () => {
    const grey = greyTable(presets.lung)
    expect([grey[-1350 + 32768], grey[-601 + 32768], grey[150 + 32768]]).toEqual([0, 127, 255])
  })

  it.each([
    ['lung', true],
    ['soft', false],
    ['bone', false],
    ['mediastinum', false],
  ] as const)('%s counts as lung window: %o', (name, lung) => expect(isLungWindow(presets[name])).toBe(lung))

  it('knows its presets, and a drag leaves them', () => {
    expect(presetOf({ width: 1500, centre: -600 })).toBe('lung')
    const wider = dragged(presets.lung, 10, -5)
    expect(wider).toEqual({ width: 1540, centre: -620 })
    expect(presetOf(wider)).toBeNull()
    expect(dragged(presets.soft, -9999, 0).width).toBe(1)
  })
})
