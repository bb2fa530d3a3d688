import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { create } from 'zustand'
import { followChanges } from './follow'
import { studiesKey, studyKey } from './study'
import { worklistKey } from './worklist'

interface Live {
  readonly connected: boolean
}

/** Whether the server's line of changes stands. */
export const useLive = create<Live>(() => ({ connected: false }))

const gatherMs = 150

/** Each change the server tells of refetches what it touches; several at once make one refetch. */
export function useLiveUpdates(enabled: boolean): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (!enabled) return undefined
    const touched = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const refetchAll = () => {
      void queries.invalidateQueries({ queryKey: worklistKey })
      void queries.invalidateQueries({ queryKey: studiesKey })
    }
    const refetch = () => {
      timer = undefined
      void queries.invalidateQueries({ queryKey: worklistKey })
      for (const uid of touched) void queries.invalidateQueries({ queryKey: studyKey(uid) })
      touched.clear()
    }
    const stop = followChanges({
      onChange: (studyUid) => {
        if (studyUid) touched.add(studyUid)
        timer ??= setTimeout(refetch, gatherMs)
      },
      onConnected: (connected) => {
        // What happened before the line stood is not told: ask.
        if (connected && !useLive.getState().connected) refetchAll()
        useLive.setState({ connected })
      },
    })
    return () => {
      stop()
      clearTimeout(timer)
      useLive.setState({ connected: false })
    }
  }, [enabled, queries])
}
