import type { Grid } from '../geometry/grid'

/** What the page must know of a series before its pixels come. */
export interface SeriesGrid {
  readonly seriesUid: string
  readonly grid: Grid
  /** SOP Instance UID of each slice along k. */
  readonly sopUids: readonly string[]
  /** False: gaps, tilt or varying steps; only the stack of images may be shown. */
  readonly regular: boolean
}

export type VolumeStatus = 'loading' | 'whole' | 'failed'

/** HU of a series, slice by slice, as they arrive. One lives at a time. */
export class Volume {
  readonly slices: (Int16Array | undefined)[]
  loaded = 0
  status: VolumeStatus = 'loading'
  problem: string | null = null
  /** Rises with every change; renderers compare it instead of pixels. */
  revision = 0
  private readonly listeners = new Set<(k: number | null) => void>()

  constructor(readonly series: SeriesGrid) {
    this.slices = Array.from({ length: series.grid.size[2] })
  }

  get count(): number {
    return this.slices.length
  }

  put(k: number, hu: Int16Array): void {
    if (this.slices[k] === undefined) this.loaded += 1
    this.slices[k] = hu
    this.revision += 1
    if (this.loaded === this.count) this.status = 'whole'
    this.tell(k)
  }

  fail(problem: string): void {
    this.status = 'failed'
    this.problem = problem
    this.revision += 1
    this.tell(null)
  }

  /** Called with each new slice number; null when only the status changed. */
  subscribe(listener: (k: number | null) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Lets go of the pixels and of everybody who listens. */
  dispose(): void {
    this.listeners.clear()
    this.slices.fill(undefined)
  }

  private tell(k: number | null): void {
    for (const listener of this.listeners) listener(k)
  }
}
