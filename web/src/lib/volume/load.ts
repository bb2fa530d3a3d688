import type { StreamAnswer, StreamRequest } from './volume.worker'
import type { Volume } from './volume'

/** Fills a volume from its stream, slices outward from `first`. The answer stops the loading. */
export function loadVolume(volume: Volume, url: string, first: number): () => void {
  const worker = new Worker(new URL('volume.worker.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('message', ({ data }: MessageEvent<StreamAnswer>) => {
    if (data.kind === 'slice') volume.put(data.k, data.hu)
    else worker.terminate()
    if (data.kind === 'failed') volume.fail(data.problem)
  })
  worker.addEventListener('error', (event) => volume.fail(event.message))
  const [columns, rows, slices] = volume.series.grid.size
  const request: StreamRequest = { url, rows, columns, slices, first }
  worker.postMessage(request)
  return () => worker.terminate()
}
