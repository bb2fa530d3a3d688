import type { Study } from '../../../api/types'

export interface TraceLine {
  readonly rule_id: string
  readonly inputs: Readonly<Record<string, string>>
  readonly outcome: string
  readonly source_row: string
  readonly finding: string | null
}

/** What the page reads of the guidelines' result contract. */
export interface Assessed {
  readonly status?: string
  readonly guideline?: string
  readonly category?: string | null
  readonly category_printed?: string | null
  readonly management?: string | null
  readonly preliminary?: boolean
  readonly at_least?: string | null
  readonly dominant_finding?: string | null
  readonly reasons?: readonly { readonly message: string }[]
  readonly review?: readonly { readonly code: string; readonly message: string }[]
  readonly trace?: readonly TraceLine[]
  readonly findings?: readonly { readonly id: string; readonly category: string | null }[]
}

export const assessedOf = (assessment: Study['assessment']): Assessed | null => assessment as Assessed | null

/** The line of the trace in which the category was read off its row; null when none says so. */
export function rowOf({ trace = [], category, dominant_finding }: Assessed): TraceLine | null {
  if (!category) return null
  const own = trace.filter(({ finding }) => finding === null || finding === dominant_finding)
  return own.findLast(({ outcome, rule_id }) => outcome === category || rule_id.endsWith(`.${category}`)) ?? null
}

const notUsed = 'not needed'

/** What a rule used, with units; what it did not need is left out. */
export const inputWords = ({ inputs }: TraceLine): string =>
  Object.entries(inputs)
    .filter(([, value]) => value !== notUsed)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)
    .join('; ')
