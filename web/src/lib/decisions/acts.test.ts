import { describe, expect, it } from 'vitest'
import type { Context, Finding } from '../../api/types'
import { afterDecision, nextToSend, overlay, overlayContext, settle, type QueuedAct } from './acts'
import { lastActed } from './useActs'

const finding = (id: string, more: Partial<Finding> = {}): Finding => ({
  finding_id: id, study_uid: 's', series_uid: 'r', number: 1, version: 1, state: 'pending', reject_reason: null,
  center_lps_mm: [0, 0, 0], long_mm: 8, short_mm: 6, mean_mm: 7, long_axis_lps_mm: null, short_axis_lps_mm: null,
  volume_mm3: 180, long_interval_mm: [6, 10], short_interval_mm: [4, 8], volume_interval_mm3: [90, 360], solid_long_mm: null, solid_short_mm: null, solidity: null, calcification: null, margin: null,
  juxtapleural_shape: null, lobe: null, probability: 0.9, status: 'baseline', prior_tracking_uid: null,
  tracking_uid: 't', model_version: '', key_sop_uid: null, proposed: {}, decided_by: null, decided_at: null,
  can_undo: false, ...more,
})

const queued = (key: string, id: string, more: Partial<QueuedAct> = {}): QueuedAct => ({
  key, user: 'reader', studyUid: 's', at: '2026-11-24T08:00:00Z', baseVersion: 1, state: 'waiting', current: null,
  problem: null, shown: finding(id, { state: 'confirmed' }),
  act: { kind: 'decide', findingId: id, body: { decision: 'confirm' } }, ...more,
})

describe('what a decision looks like', () => {
  it.each([
    [{ decision: 'confirm' }, { state: 'confirmed', reject_reason: null, volume_mm3: 180 }],
    [{ decision: 'reject', reason: 'vessel' }, { state: 'rejected', reject_reason: 'vessel' }],
    [{ decision: 'reopen' }, { state: 'pending' }],
    [
      { decision: 'correct', long_axis_lps_mm: [[0, 0, 0], [3, 4, 0]], short_axis_lps_mm: [[0, 0, 0], [0, 2.04, 0]] },
      { state: 'corrected', long_mm: 5, short_mm: 2, volume_mm3: null, volume_interval_mm3: null },
    ],
  ] as const)('%o', (body, looks) => {
    expect(afterDecision(finding('a'), body as never, null, 'reader', 'now')).toMatchObject({ ...looks, decided_by: 'reader' })
  })

  it('an added finding stays added when it is corrected', () => {
    expect(afterDecision(finding('a', { state: 'added' }), { decision: 'correct' }, null, 'r', 'now').state).toBe('added')
  })

  it('a retraction is exactly what was before', () => {
    const before = finding('a', { long_mm: 9 })
    expect(afterDecision(finding('a', { state: 'rejected' }), { decision: 'retract' }, before, 'r', 'now')).toBe(before)
  })
})

describe('queue', () => {
  it('lies over what the server said until it is settled; a hanging act does not', () => {
    const server = [finding('a'), finding('b', { number: 2 })]
    const states = (queue: QueuedAct[]) => overlay(server, queue, 's').map(({ state }) => state)
    expect(states([queued('1', 'a')])).toEqual(['confirmed', 'pending'])
    expect(states([queued('1', 'a', { state: 'conflict' })])).toEqual(['pending', 'pending'])
    expect(states([queued('1', 'a', { studyUid: 'other' })])).toEqual(['pending', 'pending'])
  })

  it('sends oldest first and never past an act that hangs on the same finding', () => {
    const [one, two, three] = [queued('1', 'a'), queued('2', 'a'), queued('3', 'b')]
    expect(nextToSend([one, two, three], 'reader')?.key).toBe('1')
    expect(nextToSend([{ ...one, state: 'conflict' }, two, three], 'reader')?.key).toBe('3')
    expect(nextToSend([one], 'someone else')).toBeNull()
    expect(nextToSend([], 'reader')).toBeNull()
  })

  it('builds later acts on the answer: version, and the name of a finding made here', () => {
    const made = queued('1', 'local:x', { act: { kind: 'add', findingId: 'local:x', body: { series_uid: 'r', center_lps_mm: [0, 0, 0] } } })
    const later = queued('2', 'local:x')
    const [left] = settle([made, later], '1', finding('real', { version: 4, number: 7 }))
    expect(left).toMatchObject({ key: '2', baseVersion: 4, act: { findingId: 'real' }, shown: { finding_id: 'real', number: 7 } })
    expect(settle([queued('1', 'a'), queued('2', 'b')], '1', finding('a', { version: 9 }))[0]?.baseVersion).toBe(1)
  })

  it('shows waiting answers as the reader’s', () => {
    const answer = queued('1', 'a', { act: { kind: 'context', body: { purpose: 'other' } }, shown: null })
    expect(overlayContext({ version: 1 } as Context, [answer], 's').purpose).toMatchObject({ value: 'other', source: 'reader', by: 'reader' })
    expect(overlayContext({ version: 1 } as Context, [answer], 'another').purpose).toBeUndefined()
  })

  it('undoes the reader’s own latest act, nobody else’s', () => {
    const acted = (id: string, at: string, by = 'reader') => finding(id, { decided_by: by, decided_at: at, can_undo: true })
    const all = [acted('a', '2026-01-01T10:00:00Z'), acted('b', '2026-01-01T11:00:00Z'), acted('c', '2026-01-01T12:00:00Z', 'second')]
    expect(lastActed(all, 'reader')?.finding_id).toBe('b')
    expect(lastActed([finding('a')], 'reader')).toBeNull()
  })
})
