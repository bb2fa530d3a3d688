import { describe, expect, it } from 'vitest'
import { account, effect, eventful, line, reader, step, tried, version } from './account.fixture'
import { headline } from './PlanBar'
import { rowsOf } from './rows'
import { lacks, triedFor, triedWords, whyTaken } from './tried'

const told = (made: ReturnType<typeof eventful>) =>
  rowsOf(made).map(({ step: name, outcome, cause, verdict }) => [name, outcome, cause, verdict])

describe('rows', () => {
  it('a back-track says where to, what was set aside, and the plan it led to', () => {
    const trace = [
      line('goal', { step: 'publish' }),
      line('task', { tool: 'lungs', step: 'lungs', state: 'failed', outcome: 'mask too small', cause: 'contract_violated', seconds: 0.4 }),
      line('back', { step: 'publish' }),
      line('goal', { step: 'publish', plan_version: 2 }),
    ]
    expect(told({ ...eventful(), trace })).toEqual([
      ['Goal', 'result of the complete study; news', 'plan 1', null],
      ['lungs', 'mask too small', 'contract violated', 'failed'],
      ['Back to choose', '1 result set aside; what was given for “the series to read” is not tried again', 'plan 2', null],
    ])
  })

  it('another tool says which one is left out', () => {
    expect(told({ ...eventful(), trace: [line('back', { plan_version: 2 })] })).toEqual([
      ['Another tool', 'Without INT8 on this input', 'plan 3', null],
    ])
  })

  it('a result used again costs nothing and says so', () => {
    const trace = [line('reuse', { tool: 'check', step: 'check', state: 'done', plan_version: 3, seconds: 0 })]
    expect(rowsOf({ ...eventful(), trace })).toMatchObject([{ cause: 'used again', cost: '', node: '3.check' }])
  })

  it('delivery is said with the peer that was asked, and its receipt', () => {
    const trace = [line('effect', { key: effect().key, receipt: { sop_uid: '2.25.123456789' } })]
    const made = account([version(1, [])], { trace, effects: [effect({ state: 'done', done_at_s: 2.5 })] })
    expect(rowsOf(made)).toMatchObject([
      { outcome: 'PACS was asked and holds it', cause: 'done, receipt …23456789', cost: '0.5 s', node: effect().key },
    ])
  })

  it('a plan that waits says what is missing instead of codes', () => {
    const waiting = version(1, [], {
      state: 'waiting', ended_why: 'raw', missing: [{ fact: 'chosen', wanted_by: 'publish', givers: [] }],
    })
    expect(told(account([waiting], { trace: [line('end', { state: 'waiting' })] }))).toEqual([
      ['Plan 1 waits', 'No tool here gives the series to read.', 'waiting', 'waits'],
    ])
  })

  it('what a person did stands between, by its time', () => {
    const trace = [line('end', { at_s: 5 }), line('end', { at_s: 50 })]
    const made = account([version(1, [])], { trace, people: [reader({ state: 'done', by: 'b', at_s: 20 })] })
    expect(rowsOf(made).map(({ step: name }) => name)).toEqual([
      'Plan 1 reached its goal', 'Read and sign', 'Plan 1 reached its goal',
    ])
  })
})

describe('tools', () => {
  const find = step('int8', [], ['findings'], { by: 'INT8', cost_s: 0.2 })

  it.each([
    [{ cause: 'low_quality', message: 'differs by 0.21' }, 'Low quality: differs by 0.21'],
    [{ cause: 'costlier', message: 'about 10 s' }, 'Not needed: it takes longer.'],
    [{ cause: 'needs_missing', lacks: ['chosen', 'some_fact'] }, 'It needs the series to read, some fact, which cannot be had here.'],
    [{ cause: null, message: '4 findings' }, '4 findings'],
  ] as const)('%o is told as %s', (more, wanted) => {
    const one = tried('findings', 'x', { ...more, lacks: 'lacks' in more ? [...more.lacks] : [] })
    expect(triedWords(account([]), one)).toBe(wanted)
  })

  it('those that failed come first, those never tried last', () => {
    const tools = [
      tried('findings', 'never', { verdict: 'not_tried' }), tried('findings', 'good'), tried('other', 'elsewhere'),
      tried('findings', 'bad', { verdict: 'failed' }),
    ]
    expect(triedFor(account([], { tools }), find).map(({ tool }) => tool)).toEqual(['bad', 'good', 'never'])
  })

  const other = { fact: 'findings', tool: 'onnx', version: '1', title: 'Find', by: 'ONNX', message: '', lacks: [], cost_s: 10 }
  it.each([
    ['the only one', [], 'It is the only tool here that gives this.'],
    ['the cheapest', [{ ...other, why: 'costlier' as const }], 'Cheapest way first: INT8 was expected at 0.2 s, against 10.0 s in all with ONNX.'],
    ['what is left', [{ ...other, why: 'down' as const, cost_s: null }], 'What else gives this could not be used; the causes stand above.'],
  ])('why this tool: %s', (_name, rejected, wanted) => {
    expect(whyTaken(version(1, [find], { rejected }), find)).toBe(wanted)
  })

  it('what is lacking names the tool and its mend, at the root only', () => {
    const waiting = version(1, [], {
      missing: [
        { fact: 'published', wanted_by: 'publish', givers: [{ ...other, why: 'needs_missing' }] },
        { fact: 'chosen', wanted_by: 'onnx', givers: [{ ...other, fact: 'chosen', why: 'down', message: 'run make setup-train' }] },
      ],
    })
    expect(lacks(account([]), waiting)).toEqual(['Cannot be had: the series to read. ONNX: run make setup-train'])
  })
})

describe('the headline', () => {
  it.each([
    ['found in the archive', { effects: [effect({ state: 'done', done_at_s: 12 })], ready_at_s: 9 }, '12.0 s'],
    ['ready', { ready_at_s: 9 }, '9.0 s'],
    ['neither', {}, undefined],
    ['an image came after it was ready', { ready_at_s: 9, last_image_at_s: 30 }, undefined],
    ['a round', { last_image_at_s: null, ready_at_s: null }, undefined],
  ])('%s', (_name, more, took) => {
    expect(headline(account([], more))?.took).toBe(took)
  })
})
