import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { create } from 'zustand'
import { studyKey } from './study'
import { worklistKey } from './worklist'

interface Live {
  readonly connected: boolean
  /** When the line was lost, ms since epoch; null while it stands. */
  readonly lostAt: number | null
}

/** Whether the server's line of changes stands. */
export const useLive = create<Live>(() => ({ connected: false, lostAt: null }))

const gatherMs = 150

interface Change {
  readonly study_uid: string | null
}

/** Follows `/api/events`: each change refetches what it touches. The browser resumes by id. */
export function useLiveUpdates(enabled: boolean): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (!enabled) return undefined
    const source = new EventSource('/api/events')
    const touched = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const refetch = () => {
      timer = undefined
      void queries.invalidateQueries({ queryKey: worklistKey })
      for (const uid of touched) void queries.invalidateQueries({ queryKey: studyKey(uid) })
      touched.clear()
    }
    const onChange = ({ data }: MessageEvent<string>) => {
      const change = JSON.parse(data) as Change
      if (change.study_uid) touched.add(change.study_uid)
      timer ??= setTimeout(refetch, gatherMs)
    }
    source.addEventListener('open', () => useLive.setState({ connected: true, lostAt: null }))
    source.addEventListener('error', () =>
      useLive.setState(({ lostAt }) => ({ connected: false, lostAt: lostAt ?? Date.now() })),
    )
    source.addEventListener('change', onChange)
    return () => {
      source.close()
      clearTimeout(timer)
      useLive.setState({ connected: false, lostAt: null })
    }
  }, [enabled, queries])
}
