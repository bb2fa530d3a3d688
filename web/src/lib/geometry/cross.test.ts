import { describe, expect, it } from 'vitest'
import { axisLength, crossAround, crossOn, handles, moveEnd, ordered, type Cross, type HandleIndex } from './cross'
import { dot, sub, type Vec3 } from './vec'

const normal: Vec3 = [0, 0, 1]
const start = crossAround([10, 20, -50], 14, 8, [1, 0, 0], normal)

const skew = ({ long, short }: Cross): number => Math.abs(dot(sub(long[1], long[0]), sub(short[1], short[0])))

describe('axes', () => {
  it('have the lengths they were made with, cross at right angles, on one image', () => {
    expect(axisLength(start.long)).toBeCloseTo(14, 9)
    expect(axisLength(start.short)).toBeCloseTo(8, 9)
    expect(skew(start)).toBeCloseTo(0, 9)
    expect(handles(start).every(([, , z]) => z === -50)).toBe(true)
  })

  it('start with a short axis of two thirds through the middle', () => {
    const drawn = crossOn([[0, 0, 0], [9, 12, 0]], normal)
    expect(axisLength(drawn.long)).toBeCloseTo(15, 9)
    expect(axisLength(drawn.short)).toBeCloseTo(10, 9)
    expect(skew(drawn)).toBeCloseTo(0, 9)
  })

  it.each([
    [0, [1, 25, -50]],
    [1, [22, 24, -50]],
    [2, [12, 9, -50]],
    [3, [8, 27, -50]],
  ] as [HandleIndex, Vec3][])('stay perpendicular when end %d is moved', (handle, to) => {
    const moved = moveEnd(start, handle, to, normal)
    expect(skew(moved)).toBeCloseTo(0, 9)
    expect(moved).not.toEqual(start)
  })

  it('keep the other axis when one is stretched', () => {
    const longer = moveEnd(start, 1, [22, 20, -50], normal)
    expect(axisLength(longer.long)).toBeCloseTo(19, 9)
    expect(axisLength(longer.short)).toBeCloseTo(8, 9)
    const wider = moveEnd(start, 3, [10, 26, -50], normal)
    expect(axisLength(wider.long)).toBeCloseTo(14, 9)
    expect(axisLength(wider.short)).toBeCloseTo(10, 9)
  })

  it('change nothing rather than collapse', () => {
    expect(moveEnd(start, 0, start.long[1], normal)).toBe(start)
    expect(moveEnd(start, 2, start.short[1], normal)).toBe(start)
  })

  it('are long and short by length, not by how they were drawn', () => {
    const wide = moveEnd(start, 3, [10, 60, -50], normal)
    expect(axisLength(wide.short)).toBeGreaterThan(axisLength(wide.long))
    const right = ordered(wide)
    expect(axisLength(right.short)).toBeLessThan(axisLength(right.long))
    expect(ordered(start)).toBe(start)
  })
})
