import { Cutter, outward, unpackSlice } from './slices'

/** What the page asks of the worker; a second request ends the first. */
export interface StreamRequest {
  readonly url: string
  readonly rows: number
  readonly columns: number
  readonly slices: number
  readonly first: number
}

export type StreamAnswer =
  | { readonly kind: 'slice'; readonly k: number; readonly hu: Int16Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'failed'; readonly problem: string }

const answer = (message: StreamAnswer, transfer: Transferable[] = []) =>
  globalThis.postMessage(message, { transfer })

async function read(request: StreamRequest): Promise<void> {
  const response = await fetch(request.url, { credentials: 'same-origin' })
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
  const order = outward(request.first, request.slices)
  const cutter = new Cutter(2 * request.rows * request.columns)
  const reader = response.body.getReader()
  let next = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    for (const piece of cutter.push(value)) {
      const k = order[next]
      if (k === undefined) throw new Error('more slices came than the series has')
      const hu = unpackSlice(piece, request.rows, request.columns)
      answer({ kind: 'slice', k, hu }, [hu.buffer])
      next += 1
    }
  }
  if (cutter.broken || next < request.slices)
    throw new Error(`the stream ended after ${next} of ${request.slices} slices`)
  answer({ kind: 'end' })
}

globalThis.addEventListener('message', ({ data }: MessageEvent<StreamRequest>) => {
  read(data).catch((fault: unknown) =>
    answer({ kind: 'failed', problem: fault instanceof Error ? fault.message : String(fault) }),
  )
})
