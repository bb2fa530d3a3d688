import { QueryClient } from '@tanstack/react-query'
import { Refused } from '../api/problem'

/** Refusals are answers and not asked again; a silent server is asked again with growing pauses. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (count, fault) => !(fault instanceof Refused) && count < 2,
      retryDelay: (count) => Math.min(1000 * 2 ** count, 10_000),
      refetchOnWindowFocus: false,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})
