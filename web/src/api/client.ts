import createClient from 'openapi-fetch'
import type { paths } from './schema'

/** The typed API. `fetch` is looked up at each call, so that tests can stand in for it. */
export const client = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? 'http://localhost',
  credentials: 'same-origin',
  // The server acts only on requests of its own pages; no foreign page can send this header.
  headers: { 'X-Triage-Request': '1' },
  fetch: (request) => globalThis.fetch(request),
})
