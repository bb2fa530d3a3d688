import type { ReportSource } from '../../../api/report'

/** Name of the part of the page a value leads to; null for a finding, which is selected instead. */
export const anchorOf = ({ kind, name }: ReportSource): string =>
  kind === 'context' ? `context-${name}` : kind === 'finding' ? `finding-${name}` : kind

/** Brings a part of the page into view and to the keyboard. */
export function goTo(anchor: string): void {
  const part = document.querySelector<HTMLElement>(`[data-anchor="${CSS.escape(anchor)}"]`)
  part?.scrollIntoView({ block: 'nearest' })
  part?.focus({ preventScroll: true })
}
