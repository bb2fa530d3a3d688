import { describe, expect, it } from 'vitest'
import { columnsOf, layered, type Cell } from './layout'

const cells = (...given: readonly (readonly [string, ...string[]])[]): Cell[] =>
  given.map(([id, ...depends]) => ({ id, depends }))

const at = (list: Cell[], id: string) => layered(list).places.get(id)

describe('columns', () => {
  it.each([
    ['a chain', cells(['a'], ['b', 'a'], ['c', 'b']), { a: 0, b: 1, c: 2 }],
    ['two roots', cells(['a'], ['b'], ['c', 'a', 'b']), { a: 0, b: 0, c: 1 }],
    ['the longest way counts', cells(['a'], ['b', 'a'], ['c', 'a', 'b']), { a: 0, b: 1, c: 2 }],
    ['users named before givers', cells(['c', 'b'], ['b', 'a'], ['a']), { a: 0, b: 1, c: 2 }],
    ['a giver that is not drawn', cells(['a', 'gone']), { a: 0 }],
    ['nothing', [], {}],
  ])('%s', (_name, list, wanted) => {
    expect(Object.fromEntries(columnsOf(list))).toEqual(wanted)
  })

  it('ends on a circle', () => {
    const columns = columnsOf(cells(['a', 'b'], ['b', 'a']))
    expect([...columns.keys()].toSorted()).toEqual(['a', 'b'])
  })
})

describe('rows', () => {
  const walk = cells(['check'], ['choose', 'check'], ['pack', 'choose'], ['find', 'choose'], ['store', 'find'], ['publish', 'store'])

  it('keeps the longest chain on one row', () => {
    const rows = ['check', 'choose', 'find', 'store', 'publish'].map((id) => at(walk, id)?.row)
    expect(new Set(rows).size).toBe(1)
  })

  it('puts a branch beside its chain, never on a node', () => {
    expect(at(walk, 'pack')).toEqual({ column: 2, row: 0 })
    expect(at(walk, 'find')).toEqual({ column: 2, row: 1 })
  })

  it('starts at row 0 and counts every row', () => {
    const { rows, columns } = layered(walk)
    expect([columns, rows]).toEqual([5, 2])
  })

  it('leads a long edge around the nodes between', () => {
    const list = cells(['a'], ['b', 'a'], ['c', 'b'], ['d', 'c', 'a'])
    const { places, routes } = layered(list)
    const long = routes.find(({ from, to }) => from === 'a' && to === 'd')
    const nodes = [...places.values()].map(({ column, row }) => `${column} ${row}`)
    expect(long?.through.map(({ column }) => column)).toEqual([0, 1, 2, 3])
    for (const { column, row } of long?.through.slice(1, -1) ?? []) expect(nodes).not.toContain(`${column} ${row}`)
  })

  it('is the same picture each time', () => {
    expect(layered(walk)).toEqual(layered(walk))
  })
})

it('places 200 nodes, none on another', () => {
  const list = Array.from({ length: 200 }, (_, n): Cell => ({
    id: `n${n}`,
    depends: n === 0 ? [] : [`n${Math.floor((n - 1) / 3)}`, `n${Math.floor(n / 2)}`].filter((id) => id !== `n${n}`),
  }))
  const taken = [...layered(list).places.values()].map(({ column, row }) => `${column} ${row}`)
  expect(new Set(taken).size).toBe(200)
})
