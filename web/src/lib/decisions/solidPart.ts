import type { Finding } from '../../api/types'

/** Size of the solid part of a part-solid nodule, mm; null when it is not measured. */
export interface SolidPart {
  readonly long_mm: number | null
  readonly short_mm: number | null
}

export type SolidProblem = 'number' | 'bounds' | 'both' | 'order' | 'nodule'

const typed = /^\d{1,3}([.,]\d)?$/
const least = 0.1
const most = 300

/** What was typed as a size, or why it is none. Two empty fields take the size back. */
export function readSolidPart(
  longText: string,
  shortText: string,
  nodule: Pick<Finding, 'long_mm'>,
): SolidPart | SolidProblem {
  const texts = [longText.trim(), shortText.trim()] as const
  if (texts[0] === '' && texts[1] === '') return { long_mm: null, short_mm: null }
  if (texts.includes('')) return 'both'
  if (!texts.every((text) => typed.test(text))) return 'number'
  const [long_mm, short_mm] = [Number(texts[0].replace(',', '.')), Number(texts[1].replace(',', '.'))]
  if (Math.min(long_mm, short_mm) < least || Math.max(long_mm, short_mm) > most) return 'bounds'
  if (short_mm > long_mm) return 'order'
  if (nodule.long_mm !== null && long_mm > nodule.long_mm) return 'nodule'
  return { long_mm, short_mm }
}
