import { create } from 'zustand'
import { putSeen } from '../../api/study'
import type { Study } from '../../api/types'

interface SeenState {
  readonly studyUid: string
  readonly seriesUid: string
  /** Slices that were on screen in lung window, by this reader. */
  readonly slices: ReadonlySet<number>
}

export const useSeen = create<SeenState>(() => ({ studyUid: '', seriesUid: '', slices: new Set() }))

/** Starts from what the server remembers of this reader. */
export function startSeen(study: Study, seriesUid: string): void {
  const known = study.seen.series_uid === seriesUid ? (study.seen.slices ?? []) : []
  const slices = new Set(known.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, n) => from + n)))
  useSeen.setState({ studyUid: study.study_uid, seriesUid, slices })
}

/** Inclusive ranges, as the server keeps them. */
export function toRanges(slices: ReadonlySet<number>): [number, number][] {
  const ranges: [number, number][] = []
  for (const k of [...slices].toSorted((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last && last[1] === k - 1) last[1] = k
    else ranges.push([k, k])
  }
  return ranges
}

const saveAfterMs = 2000
let timer: ReturnType<typeof setTimeout> | undefined

/** Sends what was seen; called after a while and on leaving. A lost call costs a second look only. */
export function saveSeen(): void {
  clearTimeout(timer)
  timer = undefined
  const { studyUid, seriesUid, slices } = useSeen.getState()
  if (seriesUid && slices.size > 0) putSeen(studyUid, seriesUid, toRanges(slices)).catch(() => undefined)
}

export function markSeen(k: number): void {
  const { slices } = useSeen.getState()
  if (slices.has(k)) return
  useSeen.setState({ slices: new Set(slices).add(k) })
  timer ??= setTimeout(saveSeen, saveAfterMs)
}

export function stopSeen(): void {
  if (timer !== undefined) saveSeen()
}
