import { describe, expect, it } from 'vitest'
import type { Report } from '../../../api/report'
import type { Context, Finding } from '../../../api/types'
import { readSolidPart } from '../../../lib/decisions/solidPart'
import { shownFields } from '../Questions'
import { inputWords, rowOf, type Assessed, type TraceLine } from './assessed'
import { outcome } from './Decisions'
import { stageWords } from './ReportText'
import { anchorOf } from './sources'

const nodule = { long_mm: 12 }

describe('solid part', () => {
  it.each([
    ['6.5', '5', { long_mm: 6.5, short_mm: 5 }],
    [' 6,5 ', '6,5', { long_mm: 6.5, short_mm: 6.5 }],
    ['0.1', '0.1', { long_mm: 0.1, short_mm: 0.1 }],
    ['12.0', '12', { long_mm: 12, short_mm: 12 }],
    ['', '', { long_mm: null, short_mm: null }],
    ['6', '', 'both'],
    ['', '6', 'both'],
    ['6.55', '5', 'number'],
    ['1e1', '5', 'number'],
    ['6 mm', '5', 'number'],
    ['NaN', '5', 'number'],
    ['0', '0', 'bounds'],
    ['300.1', '5', 'bounds'],
    ['5', '5.1', 'order'],
    ['12.1', '5', 'nodule'],
  ])('%s × %s', (long, short, said) => expect(readSolidPart(long, short, nodule)).toEqual(said))

  it('is not held against a nodule that was not measured', () => {
    expect(readSolidPart('20', '5', { long_mm: null })).toEqual({ long_mm: 20, short_mm: 5 })
  })
})

const line = (more: Partial<TraceLine>): TraceLine => ({ rule_id: 'LR22.x', inputs: {}, outcome: '', source_row: '', finding: null, ...more })

describe('assessment', () => {
  const trace = [
    line({ rule_id: 'product.baseline', outcome: 'baseline', finding: 'a' }),
    line({ rule_id: 'LR22.solid_baseline.4A', outcome: '4A', finding: 'a', source_row: 'the row' }),
    line({ rule_id: 'LR22.solid_baseline.2', outcome: '2', finding: 'b' }),
    line({ rule_id: 'LR22.exam', outcome: '4A, the highest of 2 finding(s)' }),
  ]
  it.each([
    [{ category: '4A', dominant_finding: 'a', trace }, 'the row'],
    [{ category: '2', dominant_finding: 'a', trace }, undefined],
    [{ category: null, dominant_finding: null, trace }, undefined],
    [{ category: '1' }, undefined],
    [{ category: '1', trace: [line({ outcome: '1', source_row: 'no nodule' })] }, 'no nodule'],
    [{ category: 'solid_single_gt8', trace: [line({ rule_id: 'F17.solid_single_gt8', outcome: 'Consider', source_row: 'Table 1' })] }, 'Table 1'],
  ] as readonly (readonly [Assessed, string | undefined])[])('reads the row off the trace (%#)', (said, row) =>
    expect(rowOf(said)?.source_row).toBe(row),
  )

  it('names what a rule used, and not what it did not need', () => {
    const inputs = { size: '8.8 mm (9.0 x 8.5 mm)', solid_component: 'not needed', prior_ct: 'none' }
    expect(inputWords(line({ inputs }))).toBe('size 8.8 mm (9.0 x 8.5 mm); prior ct none')
  })
})

const report = (more: Partial<Report>) => ({ stage: 'preliminary', amendment: 0, signed_by: null, signed_at: null, ...more }) as Report
const mark = (state: Finding['state']) => ({ state, reject_reason: state === 'rejected' ? 'vessel' : null }) as Finding

describe('words', () => {
  it.each([
    [{}, 'preliminary until signed'],
    [{ amendment: 2 }, 'preliminary, amendment 2'],
    [{ stage: 'final', signed_by: 'R. Reader', signed_at: '2020-02-24T08:34:00Z' }, /^signed by R\. Reader, 24 Feb 2020, \d\d:34$/],
    [{ stage: 'final', signed_by: 'R. Reader', signed_at: '2020-02-24T08:34:00Z', amendment: 1 }, /, amendment 1$/],
  ] as const)('say the stage (%#)', (more, said) => expect(stageWords(report(more))).toMatch(said))

  it('say what becomes of a mark', () => {
    const pending = mark('pending')
    expect(outcome(pending, [])).toBe('Dismissed on signing')
    expect(outcome(pending, [pending])).toBe('Not seen yet')
    expect(outcome(mark('rejected'), [])).toBe('Rejected: vessel')
  })
})

describe('sources', () => {
  it.each([
    [{ kind: 'context', name: 'prior_ct', field: null }, 'context-prior_ct'],
    [{ kind: 'finding', name: 'f1', field: 'mean_mm' }, 'finding-f1'],
    [{ kind: 'assessment', name: null, field: null }, 'assessment'],
    [{ kind: 'result', name: null, field: null }, 'result'],
  ] as const)('%o', (source, anchor) => expect(anchorOf(source)).toBe(anchor))
})

const said = (value: unknown) => ({ value, source: 'reader', by: 'r', at: null })
const context = (fields: Record<string, unknown>) => ({ version: 1, ...fields }) as unknown as Context

describe('questions', () => {
  it('offer S on a screening CT only, and ask whether it is known once it is said', () => {
    expect(shownFields(context({}), [{ field: 'purpose', text: '' }])).toEqual(['purpose'])
    expect(shownFields(context({ purpose: said('incidental') }), [])).toEqual(['purpose'])
    expect(shownFields(context({ purpose: said('screening_ldct') }), [])).toEqual(['purpose', 'significant_other_finding'])
    expect(shownFields(context({ purpose: said('screening_ldct'), significant_other_finding: said(true) }), [])).toEqual([
      'purpose', 'significant_other_finding', 'significant_other_finding_known',
    ])
  })
})
