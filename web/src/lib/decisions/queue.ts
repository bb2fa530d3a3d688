import { create } from 'zustand'
import { persist } from 'zustand/middleware'
import type { Finding } from '../../api/types'
import { settle, type ActState, type QueuedAct } from './acts'

interface Decisions {
  /** Everything not yet answered by the server, oldest first. Kept over a reload. */
  readonly queue: readonly QueuedAct[]
}

/** Acts wait here until the server has them; local storage keeps them over reload and crash. */
export const useDecisions = create<Decisions>()(
  persist(() => ({ queue: [] as readonly QueuedAct[] }), { name: 'triage.decisions' }),
)

interface Sending {
  /** Time of the server's last answer to an act of this study. */
  readonly savedAt: Date | null
  readonly sending: boolean
  /** Since when nothing gets through; null = connected as far as known. */
  readonly offlineSince: Date | null
}

export const useSending = create<Sending>(() => ({ savedAt: null, sending: false, offlineSince: null }))

export const enqueue = (queued: QueuedAct) =>
  useDecisions.setState(({ queue }) => ({ queue: [...queue, queued] }))

export const dropAct = (key: string) =>
  useDecisions.setState(({ queue }) => ({ queue: queue.filter((queued) => queued.key !== key) }))

export const settleAct = (key: string, answer: Finding | null) =>
  useDecisions.setState(({ queue }) => ({ queue: settle(queue, key, answer) }))

export const markAct = (key: string, change: Partial<QueuedAct> & { state: ActState }) =>
  useDecisions.setState(({ queue }) => ({
    queue: queue.map((queued) => (queued.key === key ? { ...queued, ...change } : queued)),
  }))
