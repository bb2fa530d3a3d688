import { Enums, eventTarget, init, RenderingEngine } from '@cornerstonejs/core'
import type { Types } from '@cornerstonejs/core'
import { cross, scale, sub, add, dot, type Vec3 } from '../../../../lib/geometry/vec'
import type { Volume } from '../../../../lib/volume/volume'
import type { Painter, Picture } from '../painter'
import { forgetVolume, registerVolume, scheme } from './volume'

const engineId = 'triage'
const cameraDistanceMm = 1000
const thinSlabMm = 0.1

interface Pane {
  readonly viewport: Types.IVolumeViewport
  ready: boolean
  picture: Picture | null
}

const point = (place: Vec3): Types.Point3 => [...place]

let opened = 0

/** The only place that speaks to Cornerstone3D. One context, one texture, for all viewports. */
export class CornerstonePainter implements Painter {
  readonly kind = 'webgl'
  private readonly volumeId: string
  private readonly engine: RenderingEngine
  private readonly panes = new Map<string, Pane>()
  private readonly onLost: () => void

  /** `onLost` is called when the GPU's context is gone: another painter has to take over. */
  constructor(volume: Volume, onLost: () => void) {
    init({ rendering: { webGlContextCount: 1 } } as Parameters<typeof init>[0])
    opened += 1
    this.volumeId = `${scheme}:${opened}/${volume.series.seriesUid}`
    registerVolume(this.volumeId, volume)
    this.engine = new RenderingEngine(engineId)
    this.onLost = onLost
    eventTarget.addEventListener(Enums.Events.WEBGL_CONTEXT_LOST, this.onLost)
  }

  mount(id: string, element: HTMLDivElement): void {
    const own = document.createElement('div')
    Object.assign(own.style, { position: 'absolute', inset: '0', visibility: 'hidden' })
    element.append(own)
    // What was there before stays until the first picture of ours is drawn.
    own.addEventListener(Enums.Events.IMAGE_RENDERED, () => {
      const pane = this.panes.get(id)
      if (!pane?.ready || !pane.picture || own.style.visibility === 'visible') return
      own.style.visibility = 'visible'
      element.replaceChildren(own)
    })
    this.engine.enableElement({
      viewportId: id,
      type: Enums.ViewportType.ORTHOGRAPHIC,
      element: own,
      defaultOptions: { background: [0, 0, 0] },
    })
    const pane: Pane = { viewport: this.engine.getViewport(id) as Types.IVolumeViewport, ready: false, picture: null }
    this.panes.set(id, pane)
    void pane.viewport.setVolumes([{ volumeId: this.volumeId }]).then(() => {
      pane.ready = true
      if (pane.picture && this.panes.get(id) === pane) this.draw(id, pane.picture)
    })
  }

  draw(id: string, picture: Picture): void {
    const pane = this.panes.get(id)
    if (!pane) return
    pane.picture = picture
    if (!pane.ready) return
    const { viewport } = pane
    const { view, window, slabMm } = picture
    if (this.sizeChanged(viewport, view)) this.engine.resize(true, false)
    viewport.setProperties({
      voiRange: { lower: window.centre - 0.5 - (window.width - 1) / 2, upper: window.centre - 0.5 + (window.width - 1) / 2 },
    })
    const mip = slabMm > 0
    viewport.setBlendMode(mip ? Enums.BlendModes.MAXIMUM_INTENSITY_BLEND : Enums.BlendModes.COMPOSITE)
    viewport.setSlabThickness(mip ? slabMm : thinSlabMm)
    viewport.setCamera(this.camera(picture))
    viewport.render()
  }

  unmount(id: string): void {
    if (this.panes.delete(id) && !this.engine.hasBeenDestroyed) this.engine.disableElement(id)
  }

  dispose(): void {
    eventTarget.removeEventListener(Enums.Events.WEBGL_CONTEXT_LOST, this.onLost)
    this.panes.clear()
    if (!this.engine.hasBeenDestroyed) this.engine.destroy()
    forgetVolume()
  }

  private sizeChanged({ canvas }: Types.IVolumeViewport, view: Picture['view']): boolean {
    const ratio = globalThis.devicePixelRatio || 1
    return Math.abs(canvas.width - view.width * ratio) > 1 || Math.abs(canvas.height - view.height * ratio) > 1
  }

  /** The camera that shows exactly our view: same middle, same directions, same scale. */
  private camera({ view, depth }: Picture): Types.ICamera {
    const { plane, centre, pxPerMm, height } = view
    const focal = add(centre, scale(plane.normal, dot(sub(depth, centre), plane.normal)))
    const towardsViewer = scale(cross(plane.right, plane.down), -1)
    return {
      focalPoint: point(focal),
      position: point(add(focal, scale(towardsViewer, cameraDistanceMm))),
      viewPlaneNormal: point(towardsViewer),
      viewUp: point(scale(plane.down, -1)),
      parallelScale: height / 2 / pxPerMm,
    }
  }
}
