import {
  ArrowDown, Check, Circle, CircleHelp, LoaderCircle, Minus, TriangleAlert, UserRound, X,
  type LucideIcon,
} from 'lucide-react'
import type { WorklistItem } from '../api/types'
import { words } from '../words'
import styles from './StateWord.module.css'

type StateName = keyof typeof words.worklist.state

const look: Record<StateName, { icon: LucideIcon; signal?: 'attention' | 'done' | 'focus' }> = {
  receiving: { icon: ArrowDown },
  incomplete: { icon: Minus, signal: 'attention' },
  running: { icon: LoaderCircle },
  ready: { icon: Circle },
  in_review: { icon: UserRound },
  signed: { icon: Check, signal: 'done' },
  failed: { icon: X, signal: 'attention' },
  partly_assessed: { icon: Minus, signal: 'attention' },
  not_assessed: { icon: TriangleAlert, signal: 'attention' },
  asks: { icon: CircleHelp, signal: 'focus' },
}

const toRead = new Set(['ready', 'in_review'])

/** The word of a row: "not assessed" and "partly assessed" stand before "ready". */
export function stateOf(item: Pick<WorklistItem, 'state' | 'result_status'>): StateName {
  if (item.state !== 'ready') return item.state
  if (item.result_status === 'not_assessed' || item.result_status === null) return 'not_assessed'
  return item.result_status === 'partly_assessed' ? 'partly_assessed' : 'ready'
}

export const isReadable = ({ state }: Pick<WorklistItem, 'state'>): boolean => toRead.has(state)

/** State as a shape and a word. */
export function StateWord({ name }: { readonly name: StateName }) {
  const { icon: Icon, signal } = look[name] ?? { icon: Circle }
  return (
    <span className={styles['state']} data-signal={signal} data-state={name}>
      <Icon size={14} aria-hidden className={styles['icon']} />
      {words.worklist.state[name]}
    </span>
  )
}
