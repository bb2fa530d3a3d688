import { useCallback, useMemo, useState } from 'react'
import type { WorklistItem } from '../../api/types'
import { useReading } from '../../lib/reading/store'
import { grouped, holdOrder, neighbour, orderDiffers } from './order'

export interface Rows {
  readonly rows: readonly WorklistItem[]
  readonly selected: WorklistItem | null
  /** Rows that came since the order was taken. */
  readonly waiting: number
  readonly select: (uid: string) => void
  readonly move: (step: 1 | -1) => void
  readonly takeOrder: () => void
}

/** Rows that never move under the selection. `listName` changes with filter and search. */
export function useRows(items: readonly WorklistItem[], listName: string): Rows {
  const incoming = useMemo(() => grouped(items), [items])
  const uids = useMemo(() => incoming.map((item) => item.study_uid), [incoming])
  const [held, setHeld] = useState<{ name: string; order: readonly string[] }>({ name: '', order: [] })
  // Back from a study, the reader stands on its row.
  const [selected, setSelected] = useState(() => useReading.getState().studyUid)
  const stale = held.name !== listName || held.order.length === 0
  // Until the reader has chosen a row there is nothing to hold still.
  const order = stale || selected === null ? uids : held.order
  if ((stale || selected === null) && orderDiffers(held.order, incoming)) setHeld({ name: listName, order: uids })
  const { rows, waiting } = holdOrder(order, incoming)
  const chosen = rows.find((row) => row.study_uid === selected) ?? rows[0] ?? null

  const takeOrder = useCallback(() => setHeld({ name: listName, order: uids }), [listName, uids])
  const move = useCallback(
    (step: 1 | -1) => {
        takeOrder()
      setSelected(neighbour(incoming, chosen?.study_uid ?? null, step))
    },
    [incoming, chosen, takeOrder],
  )
  return { rows, selected: chosen, waiting, select: setSelected, move, takeOrder }
}
