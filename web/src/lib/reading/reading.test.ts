import { beforeEach, describe, expect, it } from 'vitest'
import type { Finding, Study } from '../../api/types'
import { holdDown, holdUp, marksHidden, marksShown } from '../keys/hold'
import { keyLabel, keyName, keysOf } from '../keys/keymap'
import { likelihood } from '../likelihood'
import { nextMode, transitions, type Mode, type ModeAct } from './mode'
import { lockOf, progressOf, type Progress } from './progress'
import { toRanges } from './seen'

describe('mode', () => {
  const rows = Object.entries(transitions).flatMap(([from, acts]) =>
    Object.entries(acts).map(([act, to]) => [from, act, to] as [Mode, ModeAct, Mode]),
  )
  it.each(rows)('%s + %s = %s', (from, act, to) => expect(nextMode(from, act)).toBe(to))

  it('stays where an act means nothing', () => {
    expect(nextMode('read', 'back')).toBe('read')
    expect(nextMode('sign', 'measure')).toBe('sign')
  })

  it('gets back to reading from everywhere by Escape', () => {
    for (const mode of Object.keys(transitions) as Mode[])
      expect(nextMode(mode, 'back')).toBe(mode === 'helpOnSign' ? 'sign' : 'read')
  })
})

describe('H', () => {
  it('hides while held', () => {
    const down = holdDown(marksShown, 0)
    expect(marksHidden(down)).toBe(true)
    expect(holdDown(down, 10)).toBe(down)
    expect(marksHidden(holdUp(down, 900))).toBe(false)
  })

  it('twice keeps them off until the next H', () => {
    const tapped = holdUp(holdDown(marksShown, 0), 100)
    const twice = holdUp(holdDown(tapped, 200), 300)
    expect(marksHidden(twice)).toBe(true)
    expect(marksHidden(holdUp(holdDown(twice, 5000), 5100))).toBe(false)
  })

  it('a long hold and a tap are not twice', () => {
    const held = holdUp(holdDown(marksShown, 0), 2000)
    expect(marksHidden(holdUp(holdDown(held, 2100), 2200))).toBe(false)
  })
})

describe('keys', () => {
  beforeEach(() => localStorage.clear())

  it('are named with what is held', () => {
    expect(keyName({ key: 'Z', ctrlKey: true, metaKey: false })).toBe('ctrl+z')
    expect(keyName({ key: 'A', ctrlKey: false, metaKey: false })).toBe('a')
    expect([keyLabel('accept'), keyLabel('sign'), keyLabel('back')]).toEqual(['A', 'Enter', 'Esc'])
  })

  it('can be set otherwise on a computer, and a broken setting is not believed', () => {
    localStorage.setItem('triage.keys', JSON.stringify({ accept: ['k'] }))
    expect(keysOf('accept')).toEqual(['k'])
    expect(keysOf('reject')).toEqual(['x'])
    localStorage.setItem('triage.keys', '{')
    expect(keysOf('accept')).toEqual(['a'])
  })
})

it.each([
  [0.97, 'veryLikely'], [0.9, 'veryLikely'], [0.899, 'likely'], [0.6, 'likely'], [0.3, 'possible'], [0.299, 'unlikely'], [0, 'unlikely'],
])('%d is %s', (probability, word) => expect(likelihood(probability)).toBe(word))

const mark = (id: string, z: number, state: Finding['state'] = 'pending') =>
  ({ finding_id: id, state, center_lps_mm: [0, 0, z] }) as unknown as Finding

describe('before signing', () => {
  const study = { study_uid: 's', state: 'ready', amending: false, provisional: false, questions: [{ field: 'purpose', text: '' }] } as unknown as Study
  const grid = { size: [4, 4, 10], origin: [0, 0, 0], axes: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], spacing: [1, 1, 1] } as const

  it('counts what is undecided, not seen, not asked and not shown', () => {
    const now = { study, findings: [mark('a', 2), mark('b', 5), mark('c', 9, 'confirmed')], queue: [], seen: new Set([2, 3]), grid }
    const progress = progressOf(now)
    expect([progress.undecided.length, progress.unseen.map((one) => one.finding_id), progress.questions, progress.notShown]).toEqual([2, ['b'], 1, 80])
    expect(progressOf({ ...now, grid: null }).unseen).toHaveLength(2)
  })

  const clear: Progress = { undecided: [], unseen: [], questions: 0, unsent: 0, notShown: 0 }
  it.each([
    [clear, study, true, true, null],
    [clear, study, false, true, 'forbidden'],
    [clear, { ...study, state: 'running' } as Study, true, true, 'running'],
    [clear, { ...study, provisional: true } as Study, true, true, 'running'],
    [clear, { ...study, state: 'signed' } as Study, true, true, 'signed'],
    [clear, { ...study, state: 'signed', amending: true } as Study, true, true, null],
    [clear, study, true, false, 'offline'],
    [{ ...clear, unsent: 1 }, study, true, true, 'unsent'],
    [{ ...clear, unseen: [mark('a', 1)] }, study, true, true, 'unseen'],
    [{ ...clear, questions: 3 }, study, true, true, null],
  ])('locks the signature with a reason (%#)', (progress, of, may, online, lock) =>
    expect(lockOf(progress, of, may, online)).toBe(lock),
  )
})

it('seen slices become ranges', () => {
  expect(toRanges(new Set([3, 1, 2, 7]))).toEqual([[1, 3], [7, 7]])
  expect(toRanges(new Set())).toEqual([])
})
