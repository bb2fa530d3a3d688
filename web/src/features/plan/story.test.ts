import { describe, expect, it } from 'vitest'
import { account, because, effect, eventful, reader, step, version } from './account.fixture'
import { graphOf, inUse, shownAs } from './story'

const idsOf = (made = eventful(), number = 4) => graphOf(made, number)?.nodes.map(({ id }) => id)
const node = (made: ReturnType<typeof eventful>, id: string, number = 4) =>
  graphOf(made, number)?.nodes.find((one) => one.id === id)

describe('what is drawn', () => {
  it('is nothing for a subject that was never planned for', () => {
    expect(graphOf(account([]), 1)).toBeNull()
  })

  it('is the last version of each goal that was not given up', () => {
    const { plans } = eventful()
    expect(plans.map((plan) => inUse(plans, plan).map((one) => one.version))).toEqual([[1], [2], [3], [3, 4]])
  })

  it('joins plans by the facts one gives and the other has at hand', () => {
    expect(idsOf()).toEqual(['3.check', '3.choose_next', '3.lungs', '3.fp32', '3.publish', '4.report'])
    expect(node(eventful(), '4.report')?.depends).toEqual(['3.publish'])
  })

  it('takes the later version of what two plans in use give', () => {
    const early = version(1, [step('check', [], ['verdicts'], { task_id: 'old' })], { goal: 'provisional' })
    const late = version(2, [step('check', [], ['verdicts'], { task_id: 'new' })])
    expect(idsOf(account([early, late]), 2)).toEqual(['2.check'])
  })

  it('falls back to the last version when the address names none', () => {
    expect(graphOf(eventful(), 99)?.chosen.version).toBe(4)
  })
})

describe('given-up versions', () => {
  const lanes = graphOf(eventful(), 4)?.lanes ?? []

  it('show what they tried that is not in use, and no step twice', () => {
    expect(lanes.map((lane) => lane.nodes.map(({ id, state }) => `${id} ${state}`))).toEqual([
      ['1.choose set_aside', '1.lungs failed'],
      ['2.int8 failed'],
    ])
  })

  it('hang on the steps in use', () => {
    expect(lanes[0]?.nodes.map(({ depends }) => depends)).toEqual([['3.check'], ['1.choose']])
    expect(lanes[1]?.nodes[0]?.depends).toEqual(['3.lungs'])
  })

  it('lead back to what stands in their place, with the reason', () => {
    expect(graphOf(eventful(), 4)?.backs).toEqual([
      { from: '1.lungs', to: '3.choose_next', kind: 'back_track', why: 'mask too small' },
      { from: '2.int8', to: '3.fp32', kind: 'other_tool', why: 'self-test differs' },
    ])
  })

  it('are told as text when they had done nothing of their own', () => {
    const idle = version(1, [step('check', [], ['verdicts'], { state: 'not_run', task_id: null })], { state: 'given_up' })
    const next = version(2, [step('check', [], ['verdicts'])], { because: because('news', { replaces: [1] }) })
    expect(graphOf(account([idle, next]), 2)?.lanes).toMatchObject([{ nodes: [] }])
  })
})

describe('people and effects', () => {
  it('a reader stands behind the publication, and before what the signature starts', () => {
    const final = version(5, [step('final', ['signed'], ['report_final'])], { goal: 'report_final' })
    const made = { ...eventful(), people: [reader({ state: 'done', by: 'reader' })] }
    const whole = { ...made, plans: [...made.plans, final] }
    expect(node(whole, 'read', 5)?.depends).toEqual(['3.publish'])
    expect(node(whole, '5.final', 5)?.depends).toEqual(['read'])
  })

  it('no reader is asked before the result is published', () => {
    expect(node({ ...eventful(), people: [reader()] }, 'read', 1)).toBeUndefined()
  })

  it.each([
    [{ state: 'waiting' }, 'waiting', 'not sent yet'],
    [{ state: 'sending' }, 'waiting', 'sending'],
    [{ state: 'waiting', last_error: 'no answer' }, 'failed', 'not sent yet'],
    [{ state: 'done', done_at_s: 3 }, 'done', 'found by query'],
  ] as const)('an effect that is %o is %s: %s', (more, state, note) => {
    const made = { ...eventful(), effects: [effect({ ...more, plan_version: 4 })] }
    expect(node(made, 'store_sr:PACS:1.2.3')).toMatchObject({ state, note, depends: ['4.report'] })
  })

  it('an effect of a report that was replaced is not drawn', () => {
    const again = version(5, [step('report', ['published'], ['report'])], { goal: 'report' })
    const made = eventful()
    const whole = { ...made, plans: [...made.plans, again], effects: [effect({ plan_version: 4 })] }
    expect(idsOf(whole, 5)).not.toContain('store_sr:PACS:1.2.3')
  })
})

it('a plan without a way shows who would give what is missing, and who waits for that', () => {
  const giver = { version: '1', lacks: [], by: '', cost_s: null, title: '' }
  const made = account([
    version(1, [], {
      state: 'waiting',
      missing: [
        { fact: 'published', wanted_by: 'publish', givers: [{ ...giver, fact: 'published', tool: 'store', why: 'needs_missing', message: '' }] },
        { fact: 'findings', wanted_by: 'store', givers: [{ ...giver, fact: 'findings', tool: 'torch', why: 'down', message: 'not installed' }] },
        { fact: 'mask', wanted_by: 'torch', givers: [] },
      ],
    }),
  ])
  expect(graphOf(made, 1)?.nodes.map(({ id, state, depends }) => [id, state, depends])).toEqual([
    ['1.store', 'not_run', ['1.torch']],
    ['1.torch', 'missing', ['1.no.mask']],
    ['1.no.mask', 'missing', []],
  ])
})

it('a step whose result is used again leads to where that stands', () => {
  const made = eventful()
  const graph = graphOf(made, 4)
  const shown = shownAs(made, [...(graph?.nodes ?? []), ...(graph?.lanes.flatMap(({ nodes }) => nodes) ?? [])])
  expect([shown('1.check'), shown('3.check'), shown('2.int8'), shown('1.publish'), shown('nothing')]).toEqual([
    '3.check', '3.check', '2.int8', null, null,
  ])
})
