import { describe, expect, it } from 'vitest'
import type { WorklistItem } from '../../api/types'
import { stateOf } from '../../components/StateWord'
import { grouped, holdOrder, neighbour, orderDiffers } from './order'
import { resultWords } from './SidePanel'

const item = (study_uid: string, state: WorklistItem['state'] = 'ready') => ({ study_uid, state }) as WorklistItem
const uids = (items: readonly WorklistItem[]) => items.map(({ study_uid }) => study_uid)

describe('order', () => {
  it('holds still: news waits, what is gone goes', () => {
    const { rows, waiting } = holdOrder(['a', 'b', 'c'], [item('n'), item('c'), item('a')])
    expect([uids(rows), waiting]).toEqual([['a', 'c'], 1])
    expect(orderDiffers(['a', 'b'], [item('b'), item('a')])).toBe(true)
    expect(orderDiffers(['a', 'b'], [item('a'), item('b')])).toBe(false)
  })

  it('puts what is not ready below, in the order of the server', () => {
    expect(uids(grouped([item('r', 'running'), item('a'), item('f', 'failed'), item('b', 'signed')]))).toEqual(['a', 'b', 'r', 'f'])
  })

  it('steps by rows and stops at the ends', () => {
    const rows = [item('a'), item('b')]
    expect([neighbour(rows, 'a', 1), neighbour(rows, 'b', 1), neighbour(rows, 'a', -1), neighbour(rows, null, 1), neighbour([], null, 1)]).toEqual(['b', 'b', 'a', 'a', null])
  })
})

describe('words', () => {
  it.each([
    ['assessed', 0, 'Whole lung assessed, no nodule found'],
    ['assessed', 1, 'Whole lung assessed, 1 finding'],
    ['partly_assessed', 0, 'Partly assessed, 0 findings'],
    ['partly_assessed', 2, 'Partly assessed, 2 findings'],
    ['not_assessed', null, 'Not assessed. No marks were made. Read this study as without AI.'],
    [null, null, 'Not assessed yet'],
  ] as const)('%s with %o findings', (result_status, findings, said) => expect(resultWords({ result_status, findings })).toBe(said))

  it.each([
    ['ready', 'assessed', 'ready'],
    ['ready', 'not_assessed', 'not_assessed'],
    ['ready', 'partly_assessed', 'partly_assessed'],
    ['ready', null, 'not_assessed'],
    ['running', null, 'running'],
    ['signed', 'assessed', 'signed'],
  ] as const)('%s and %o read "%s"', (state, result_status, word) => expect(stateOf({ state, result_status })).toBe(word))
})
