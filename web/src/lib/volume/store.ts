import { create } from 'zustand'
import { loadVolume } from './load'
import { Volume, type SeriesGrid, type VolumeStatus } from './volume'

interface Opened {
  readonly volume: Volume | null
  readonly loaded: number
  readonly count: number
  readonly status: VolumeStatus
}

const nothing: Opened = { volume: null, loaded: 0, count: 0, status: 'loading' }

/** The one volume that is open. Counts change a few times a second, not with every slice. */
export const useVolume = create<Opened>(() => nothing)

const tellEveryMs = 250
const retryMs = 3000

/** Opens a volume and fills it; the answer closes it and lets go of the pixels. */
export function openVolume(series: SeriesGrid & { url: string }, first: number): () => void {
  const volume = new Volume(series)
  let timer: ReturnType<typeof setTimeout> | undefined
  const tell = () => {
    timer = undefined
    useVolume.setState({ loaded: volume.loaded, status: volume.status })
  }
  useVolume.setState({ volume, loaded: 0, count: volume.count, status: 'loading' })
  volume.subscribe((k) => {
    if (k === null || volume.loaded === 1) tell()
    else timer ??= setTimeout(tell, tellEveryMs)
  })
  const separator = series.url.includes('?') ? '&' : '?'
  const load = () => loadVolume(volume, `${series.url}${separator}first=${first}`, first)
  let stop = load()
  let again: ReturnType<typeof setTimeout> | undefined
  // A broken stream is asked for again; slices that are here stay.
  volume.subscribe(() => {
    if (volume.status !== 'failed' || again !== undefined) return
    again = setTimeout(() => {
      again = undefined
      volume.status = 'loading'
      stop = load()
    }, retryMs)
  })
  return () => {
    stop()
    clearTimeout(timer)
    clearTimeout(again)
    volume.dispose()
    useVolume.setState(nothing)
  }
}
