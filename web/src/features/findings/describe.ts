import type { Finding } from '../../api/types'
import { mm } from '../../lib/format'
import { likelihood } from '../../lib/likelihood'
import { words } from '../../words'

const { findings } = words

/** Where a finding is, in words; its number when the lobe is not known. */
export const placeName = ({ lobe, number }: Pick<Finding, 'lobe' | 'number'>): string =>
  (lobe && findings.lobes[lobe]) || findings.lobeUnknown(number)

/** "Very likely 0.97": that it is a nodule, never that it is cancer. */
export const noduleWords = (probability: number | null): readonly [string, string] | null =>
  probability === null ? null : [findings.likelihood[likelihood(probability)], probability.toFixed(2)]

/** Texture as a word; unknown stays unknown. */
export const typeWord = (solidity: Finding['solidity']): string =>
  (solidity && findings.solidity[solidity]) || words.unknown

/** A machine's value counts as proposed until a reader has decided. */
export const isProposed = (finding: Finding, field: 'solidity' | 'margin'): boolean =>
  finding.state === 'pending' && finding[field] !== null && finding.proposed[field] === finding[field]

export const reasonWord = (reason: string | null): string =>
  findings.reasons.find(([code]) => code === reason)?.[1] ?? ''

/** State of a finding as its row says it: "Rejected: vessel". */
export const stateWord = (finding: Pick<Finding, 'state' | 'reject_reason'>): string =>
  finding.state === 'rejected' && finding.reject_reason
    ? findings.acts.reject(reasonWord(finding.reject_reason))
    : (findings.states[finding.state] ?? finding.state)

/** `14.2 × 11.0 mm`. */
export const sizeWord = ({ long_mm, short_mm }: Pick<Finding, 'long_mm' | 'short_mm'>): string =>
  long_mm === null ? findings.notMeasured : `${mm(long_mm)} × ${mm(short_mm)} mm`

/** What a reader of the screen hears after an act. */
export const saidOf = (act: string, finding: Pick<Finding, 'number' | 'lobe'>, count: number): string =>
  findings.said(act, finding.number, count, placeName(finding).toLowerCase())
