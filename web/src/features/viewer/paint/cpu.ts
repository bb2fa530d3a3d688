import { sliceIndex } from '../../../lib/geometry/view'
import { paintGrey, place } from '../../../lib/volume/canvas'
import { reformat, slabReach, type PlaneImage } from '../../../lib/volume/reformat'
import type { Volume } from '../../../lib/volume/volume'
import { greyTable, type Window } from '../../../lib/volume/window'
import type { Painter, Picture } from './painter'

interface Pane {
  readonly target: HTMLCanvasElement
  readonly grey: HTMLCanvasElement
  image: PlaneImage | null
  imageName: string
  greyName: string
}

/** Draws with plain canvas: no WebGL, no copy of the volume on a GPU. */
export class CpuPainter implements Painter {
  readonly kind = 'cpu'
  private readonly panes = new Map<string, Pane>()
  private table: { window: Window; grey: Uint8ClampedArray } | null = null

  constructor(private readonly volume: Volume) {}

  mount(id: string, element: HTMLDivElement): void {
    const target = document.createElement('canvas')
    Object.assign(target.style, { width: '100%', height: '100%', display: 'block' })
    element.replaceChildren(target)
    this.panes.set(id, { target, grey: document.createElement('canvas'), image: null, imageName: '', greyName: '' })
  }

  draw(id: string, { view, depth, window, slabMm }: Picture): void {
    const pane = this.panes.get(id)
    if (!pane) return
    const { grid } = this.volume.series
    const index = sliceIndex(grid, view.plane, depth)
    const reach = slabMm > 0 ? slabReach(slabMm, grid.spacing[view.plane.through]) : 0
    const imageName = `${view.plane.name} ${index} ${reach} ${this.changes(view.plane.through, index, reach)}`
    if (imageName !== pane.imageName) {
      pane.image = reformat(this.volume, view.plane, index, reach)
      pane.imageName = imageName
    }
    const greyName = `${imageName} ${window.width} ${window.centre}`
    if (greyName !== pane.greyName && pane.image) {
      paintGrey(pane.grey, pane.image, this.greys(window))
      pane.greyName = greyName
    }
    place(pane.target, pane.grey, grid, view)
  }

  unmount(id: string): void {
    this.panes.delete(id)
  }

  dispose(): void {
    this.panes.clear()
  }

  /** A slice of the stack changes only when it arrives; other planes with every slice. */
  private changes(through: 0 | 1 | 2, index: number, reach: number): string | number {
    if (through !== 2) return this.volume.loaded
    let here = 0
    for (let k = index - reach; k <= index + reach; k += 1) if (this.volume.slices[k]) here += 1
    return here
  }

  private greys(window: Window): Uint8ClampedArray {
    if (this.table?.window !== window) this.table = { window, grey: greyTable(window) }
    return this.table.grey
  }
}
