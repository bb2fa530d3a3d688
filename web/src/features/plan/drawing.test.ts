import { describe, expect, it } from 'vitest'
import { account, eventful, step, version } from './account.fixture'
import { beside, draw, rounded, size, type Drawing } from './drawing'
import { graphOf } from './story'

const drawn = (made = eventful()): Drawing => {
  const graph = graphOf(made, 4)
  if (!graph) throw new Error('nothing to draw')
  return draw(graph)
}

describe('the picture', () => {
  it('has nodes in reading order: by column, then from top to bottom', () => {
    const main = drawn().boxes.filter(({ lane }) => !lane)
    expect(main.map(({ node }) => node.id)).toEqual(['3.check', '3.choose_next', '3.lungs', '3.fp32', '3.publish', '4.report'])
    expect(main.map(({ x }) => x)).toEqual([0, 1, 2, 3, 4, 5].map((column) => size.left + column * size.stepX))
  })

  it('puts given-up versions below the plan in use, under what they were for', () => {
    const { boxes } = drawn()
    const bottom = Math.max(...boxes.filter(({ lane }) => !lane).map(({ y }) => y + size.height))
    const x = new Map(boxes.map(({ node, x: left }) => [node.id, left]))
    for (const { y } of boxes.filter(({ lane }) => lane)) expect(y).toBeGreaterThan(bottom)
    expect([x.get('1.choose'), x.get('1.lungs'), x.get('2.int8')]).toEqual([x.get('3.choose_next'), x.get('3.lungs'), x.get('3.fp32')])
  })

  it('never lays a box on another, and keeps all on the sheet', () => {
    const { boxes, width, height } = drawn()
    for (const [at, a] of boxes.entries()) {
      expect(a.x + size.width).toBeLessThanOrEqual(width)
      expect(a.y + size.height).toBeLessThanOrEqual(height)
      for (const b of boxes.slice(at + 1))
        expect(Math.abs(a.x - b.x) >= size.width || Math.abs(a.y - b.y) >= size.height).toBe(true)
    }
  })

  it('draws dashed lines to given-up steps and one arrow back for each', () => {
    const kinds = drawn().lines.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'lane')).toHaveLength(3)
    expect(kinds.filter((kind) => kind === 'back')).toHaveLength(2)
  })

  it('draws a plan without steps as an empty sheet', () => {
    expect(drawn(account([version(4, [])])).boxes).toEqual([])
  })
})

describe('the keys', () => {
  const { boxes } = drawn()
  it.each([
    ['3.lungs', [1, 0], '3.fp32'],
    ['3.lungs', [-1, 0], '3.choose_next'],
    ['3.lungs', [0, 1], '1.lungs'],
    ['1.lungs', [0, -1], '3.lungs'],
    ['3.check', [-1, 0], undefined],
    ['not there', [1, 0], '3.check'],
  ] as const)('from %s by %o to %s', (from, by, to) => {
    expect(beside(boxes, from, by)?.node.id).toBe(to)
  })
})

it('a line bends in arcs and leaves out points that repeat', () => {
  expect(rounded([[0, 0], [10, 0], [10, 0], [10, 20]])).toBe('M0 0L5 0Q10 0 10 5L10 20')
})

it('a single step is drawn without lines', () => {
  const { boxes, lines } = drawn(account([version(4, [step('one', [], ['out'])])]))
  expect([boxes.length, lines.length]).toEqual([1, 0])
})
