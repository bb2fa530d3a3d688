import type { WorklistItem } from '../../api/types'

const notReady = new Set(['receiving', 'incomplete', 'running', 'failed'])

export const isReady = ({ state }: Pick<WorklistItem, 'state'>): boolean => !notReady.has(state)

/** Rows in the order that stays: the server's news waits until the reader's next key.
 * Known rows keep their place with new content; unknown ones are counted, not shown. */
export function holdOrder(
  shown: readonly string[],
  incoming: readonly WorklistItem[],
): { rows: WorklistItem[]; waiting: number } {
  const byUid = new Map(incoming.map((item) => [item.study_uid, item]))
  const rows = shown.flatMap((uid) => byUid.get(uid) ?? [])
  return { rows, waiting: incoming.length - rows.length }
}

/** True when taking the new order would change what the reader sees. */
export const orderDiffers = (shown: readonly string[], incoming: readonly WorklistItem[]): boolean =>
  shown.length !== incoming.length || incoming.some((item, at) => item.study_uid !== shown[at])

/** Readable rows first, then the group that is not ready; the server's order within each. */
export const grouped = (items: readonly WorklistItem[]): WorklistItem[] => [
  ...items.filter(isReady),
  ...items.filter((item) => !isReady(item)),
]

/** The neighbour of the selected row; the first one when nothing is selected. */
export function neighbour(rows: readonly WorklistItem[], selected: string | null, step: 1 | -1): string | null {
  const at = rows.findIndex((row) => row.study_uid === selected)
  const to = at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))
  return rows[to]?.study_uid ?? null
}
