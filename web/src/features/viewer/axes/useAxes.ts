import { useCallback, useEffect, useRef, useState } from 'react'
import type { Finding } from '../../../api/types'
import { ordered, type Cross } from '../../../lib/geometry/cross'
import type { Plane } from '../../../lib/geometry/planes'
import { crossOf } from './draft'

interface Draft {
  readonly findingId: string
  readonly cross: Cross
  /** Not yet meant: keys are still moving an end, or a long axis was just drawn. */
  readonly open: boolean
}

const settleMs = 800

export interface Axes {
  readonly cross: Cross | null
  readonly change: (cross: Cross) => void
  readonly nudge: (cross: Cross) => void
  readonly commit: (cross: Cross) => void
  /** Shows a cross that counts only once an end was moved or Enter was pressed. */
  readonly propose: (cross: Cross) => void
  /** Means what stands there, if it was proposed or nudged. */
  readonly settle: () => void
}

/** The axes under the reader's hand. What was meant goes out at once; key steps after a pause. */
export function useAxes(finding: Finding | null, plane: Plane, onCorrect: (finding: Finding, cross: Cross) => void): Axes {
  const [draft, setDraft] = useState<Draft | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const id = finding?.finding_id
  const mine = draft && draft.findingId === id ? draft : null
  const put = useCallback(
    (cross: Cross, open: boolean) => id && setDraft({ findingId: id, cross, open }),
    [id],
  )
  const commit = useCallback(
    (cross: Cross) => {
      clearTimeout(timer.current)
      if (!finding) return
      setDraft(null)
      onCorrect(finding, ordered(cross))
    },
    [finding, onCorrect],
  )
  useEffect(() => () => clearTimeout(timer.current), [id])
  return {
    cross: mine?.cross ?? (finding && crossOf(finding, plane)),
    change: (cross) => put(cross, false),
    nudge: (cross) => {
      put(cross, true)
      clearTimeout(timer.current)
      timer.current = setTimeout(() => commit(cross), settleMs)
    },
    commit,
    propose: (cross) => put(cross, true),
    settle: () => mine?.open && commit(mine.cross),
  }
}
