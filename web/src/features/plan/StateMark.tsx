import { Check, CircleDashed, LoaderCircle, Minus, TriangleAlert, UserRound, X, type LucideIcon } from 'lucide-react'
import type { NodeState } from './model'
import styles from './Graph.module.css'

const look: Record<NodeState, LucideIcon> = {
  done: Check,
  running: LoaderCircle,
  waiting: CircleDashed,
  failed: X,
  set_aside: X,
  not_run: Minus,
  missing: TriangleAlert,
}

/** A state as a shape; the word stands beside it. A person is round, whatever the state. */
export function StateMark({ state, person = false }: { readonly state: NodeState; readonly person?: boolean }) {
  const Icon = person ? UserRound : look[state]
  return <Icon size={12} aria-hidden className={styles['mark']} data-state={state} data-person={person || undefined} />
}
