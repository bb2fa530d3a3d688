import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { client } from './client'
import { need } from './problem'
import type { Claim, Worklist } from './types'

export type Filter = 'open' | 'to_read' | 'in_review' | 'not_ready' | 'signed_today' | 'all'

export const worklistKey = ['worklist'] as const
const pageSize = 100

const fetchPage = (state: Filter, q: string, cursor: string | null): Promise<Worklist> =>
  need<Worklist>(
    client.GET('/api/worklist', {
      params: { query: { state, limit: pageSize, ...(q && { q }), ...(cursor && { cursor }) } },
    }),
  )

/** The worklist in the server's order, page by page. */
export const useWorklist = (state: Filter, q: string) =>
  useInfiniteQuery({
    queryKey: [...worklistKey, state, q],
    queryFn: ({ pageParam }) => fetchPage(state, q, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  })

export const claimStudy = (study_uid: string, take_over = false) =>
  need<Claim>(client.POST('/api/studies/{study_uid}/claim', { params: { path: { study_uid } }, body: { take_over } }))

/** The studies still to read, in order: for "1 of 13" and for what opens next. */
export const fetchOpen = () => fetchPage('open', '', null)
