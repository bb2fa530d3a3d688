import type { Study } from '../../api/types'
import { words } from '../../words'

const { side } = words.worklist

/** What was looked at, in two words. */
export function resultLine({ result }: Pick<Study, 'result'>): string {
  if (!result) return side.notYet
  const name = { assessed: side.assessed, partly_assessed: side.partly, not_assessed: side.not }[result.status]
  return result.published ? name : `${name}, ${side.provisional}`
}

export interface ResultNotice {
  readonly kind: 'attention' | 'focus'
  readonly title: string
  readonly text: string
  readonly reasons: readonly string[]
}

/** The notice above the list; null when the whole lung was assessed and something was found. */
export function resultNotice({ result, findings, provisional }: Pick<Study, 'result' | 'findings' | 'provisional'>): ResultNotice | null {
  const { none } = words.findings
  const reasons = result?.reasons.map(({ message }) => message) ?? []
  if (!result) return { kind: 'attention', title: none.waiting, text: none.waitingText, reasons }
  if (result.status === 'not_assessed') return { kind: 'attention', title: none.not, text: none.notText, reasons }
  if (result.status === 'partly_assessed') return { kind: 'attention', title: none.partly, text: none.partlyText, reasons }
  if (provisional) return { kind: 'focus', title: words.findings.provisional, text: '', reasons }
  if (findings.length === 0) return { kind: 'focus', title: none.assessed, text: none.assessedText, reasons }
  return null
}
