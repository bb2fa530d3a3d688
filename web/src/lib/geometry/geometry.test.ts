import { describe, expect, it } from 'vitest'
import { clampToGrid, gridFromAffine, middleOf, toIndex, toWorld, type Grid } from './grid'
import { letters } from './letters'
import { corners, cutRadius, halfSide, overlapped } from './marks'
import { patientAxes, planeOf, type PlaneName } from './planes'
import { cross, dot, unit, type Vec3 } from './vec'
import { canvasToWorld, fitScale, sliceIndex, worldToCanvas, type View } from './view'

/** (z, y, x, 1) to mm, as the server sends it: z 2.5 mm towards the head, y back, x left. */
const straight = [
  [0, 0, 1.5, -48],
  [0, 1.5, 0, -48],
  [2.5, 0, 0, -300],
  [0, 0, 0, 1],
]
const grid = gridFromAffine(straight, [40, 64, 48])

/** A grid whose axes are turned about x and whose rows run the other way, as a prone scan may be. */
const turned: Grid = {
  size: [48, 64, 40],
  origin: [20, 30, -100],
  axes: [[-1, 0, 0], unit([0, -0.98, 0.2]), unit([0, 0.2, 0.98])],
  spacing: [0.7, 0.7, 1.25],
}

const spot = (id: string, x: number) => ({ id, x, y: 0, half: 10 })

const viewOf = (on: Grid, name: PlaneName): View => ({
  plane: planeOf(on, name),
  centre: middleOf(on),
  pxPerMm: 3.1,
  width: 500,
  height: 400,
})

describe('grid', () => {
  it('reads the turned column order of the server', () => {
    expect(grid.size).toEqual([48, 64, 40])
    expect(grid.spacing).toEqual([1.5, 1.5, 2.5])
    expect(toWorld(grid, [2, 3, 4])).toEqual([-45, -43.5, -290])
  })

  it.each([grid, turned])('goes to mm and back', (on) => {
    const index: Vec3 = [3.25, 17.5, 11]
    for (const [axis, value] of toIndex(on, toWorld(on, index)).entries()) expect(value).toBeCloseTo(index[axis] as number, 9)
  })

  it('keeps places inside and on a slice when asked', () => {
    const [i, j, k] = toIndex(grid, clampToGrid(grid, toWorld(grid, [-5, 99, 12.4]), 2))
    expect([i, j, k].map((value) => Number(value.toFixed(6)))).toEqual([0, 63, 12])
  })

  it('refuses a matrix with a hole', () => {
    expect(() => gridFromAffine([[1, 0, 0]], [1, 1, 1])).toThrow('three finite numbers')
  })
})

describe('planes', () => {
  it('uses every axis of the grid once, also when it is turned', () => {
    expect(patientAxes(grid)).toEqual([0, 1, 2])
    expect([...patientAxes(turned)].toSorted()).toEqual([0, 1, 2])
  })

  it.each([
    ['axial', 'L', 'P'],
    ['coronal', 'L', 'F'],
    ['sagittal', 'P', 'F'],
  ] as const)('%s shows %s at the right and %s below, whatever way the grid runs', (name, right, down) => {
    for (const on of [grid, turned]) {
      const plane = planeOf(on, name)
      expect(letters(plane.right)[0]).toBe(right)
      expect(letters(plane.down)[0]).toBe(down)
      expect(Math.abs(dot(cross(plane.right, plane.down), plane.normal))).toBeCloseTo(1, 2)
    }
  })
})

describe('letters', () => {
  it.each([
    [[1, 0, 0], 'L'],
    [[-1, 0, 0], 'R'],
    [[0, 1, 0], 'P'],
    [[0, -1, 0], 'A'],
    [[0, 0, 1], 'H'],
    [[0, 0, -1], 'F'],
    [unit([1, -1, 0]), 'LA'],
    [unit([0.05, 0.2, 1]), 'H'],
    [unit([1, 1, 1]), 'LPH'],
  ] as [Vec3, string][])('%o reads %s', (direction, name) => expect(letters(direction)).toBe(name))

  it('turns every letter when the direction is turned', () => {
    const opposite: Record<string, string> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' }
    for (const direction of [unit([1, -0.5, 0.4]), unit([-0.2, 0.9, 0.4])] as Vec3[]) {
      const back: Vec3 = [-direction[0], -direction[1], -direction[2]]
      expect([...letters(back)]).toEqual([...letters(direction)].map((letter) => opposite[letter]))
    }
  })
})

describe('view', () => {
  it.each(['axial', 'coronal', 'sagittal'] as const)('%s: a pixel and its place are one', (name) => {
    for (const on of [grid, turned]) {
      const view = viewOf(on, name)
      const shown = toWorld(on, [10, 20, 30])
      const [x, y] = worldToCanvas(view, canvasToWorld(view, [123, 77], shown))
      expect([x, y]).toEqual([expect.closeTo(123, 6), expect.closeTo(77, 6)])
      expect(dot(canvasToWorld(view, [123, 77], shown), view.plane.normal)).toBeCloseTo(dot(shown, view.plane.normal), 6)
    }
  })

  it('puts the left of the patient on the right of the screen', () => {
    const view = viewOf(grid, 'axial')
    const [x, y, z] = view.centre
    expect(worldToCanvas(view, [x + 10, y, z])[0]).toBeGreaterThan(view.width / 2)
    expect(worldToCanvas(view, [x, y + 10, z])[1]).toBeGreaterThan(view.height / 2)
  })

  it('fits the whole plane and numbers slices by place', () => {
    const plane = planeOf(grid, 'axial')
    expect(fitScale(grid, plane, 720, 960)).toBe(10)
    expect(sliceIndex(grid, plane, [0, 0, -300 + 2.5 * 12 + 1])).toBe(12)
    expect(sliceIndex(grid, plane, [0, 0, 9999])).toBe(39)
  })
})

describe('marks', () => {
  it.each([
    [6, 0, 6],
    [5, 3, 4],
    [5, -3, 4],
    [5, 5, 0],
    [5, 5.01, null],
  ])('a sphere of %d mm cut %d mm from its middle has radius %o', (radius, off, cut) =>
    expect(cutRadius(radius, off)).toBe(cut),
  )

  it('lie outside the edge by the larger of 2 mm and 6 px, and are never under 14 px', () => {
    expect(halfSide(10, 4)).toBe(48)
    expect(halfSide(10, 1)).toBe(16)
    expect(halfSide(1, 1)).toBe(14)
  })

  it('have four corners of 42 %', () => {
    const path = corners(50, 50, 20)
    expect(path.match(/M/g)).toHaveLength(4)
    expect(path).toContain('M38.4 30L30 30L30 38.4')
  })

  it('keep only their number where they overlap the selected one', () => {
    const spots = [spot('a', 0), spot('b', 15), spot('c', 100), spot('d', 110)]
    expect(overlapped(spots, 'a')).toEqual(new Set(['b']))
    expect(overlapped(spots, null)).toEqual(new Set())
  })
})
