import { useEffect, useRef, type PointerEvent, type RefObject } from 'react'
import type { Grid } from '../../../lib/geometry/grid'
import { add, scale, type Vec2, type Vec3 } from '../../../lib/geometry/vec'
import { canvasToWorld, type View } from '../../../lib/geometry/view'
import { setWindow, useReading } from '../../../lib/reading/store'
import type { Window } from '../../../lib/volume/window'
import { scrollBy } from '../scroll'
import { setLook, useLooks, zoomed, type PaneName } from '../views'
import { gestureOf, isClick, windowAfter, type Gesture } from './gestures'

interface Drag {
  readonly gesture: Gesture
  readonly from: Vec2
  readonly window: Window
  readonly zoom: number
  readonly centre: Vec3
}

interface Options {
  readonly pane: PaneName
  readonly view: View | null
  readonly grid: Grid
  readonly element: RefObject<HTMLElement | null>
  /** A press without a drag, at a patient place. */
  readonly onClick: (world: Vec3, at: Vec2) => void
}

const place = (event: { clientX: number; clientY: number; currentTarget: Element }): Vec2 => {
  const box = event.currentTarget.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}

/** One wheel notch is one slice, however the device reports it. */
function useWheel({ view, grid, element }: Options) {
  const rest = useRef(0)
  useEffect(() => {
    const target = element.current
    if (!target || !view) return undefined
    const onWheel = (event: WheelEvent) => {
      event.preventDefault()
      const notch = event.deltaMode === 0 ? 100 : 3
      rest.current += Math.max(-3, Math.min(3, event.deltaY / notch))
      const steps = Math.trunc(rest.current)
      if (steps === 0) return
      rest.current -= steps
      scrollBy(grid, view.plane, -steps)
    }
    target.addEventListener('wheel', onWheel, { passive: false })
    return () => target.removeEventListener('wheel', onWheel)
  }, [view, grid, element])
}

/** Pointer handlers of a viewport: drags by button, clicks passed on. */
export function usePointer(options: Options) {
  const { pane, view, onClick } = options
  const drag = useRef<Drag | null>(null)
  useWheel(options)

  const onPointerDown = (event: PointerEvent) => {
    const gesture = gestureOf(event)
    if (!gesture || !view) return
    event.currentTarget.setPointerCapture(event.pointerId)
    const { zoom, centre } = useLooks.getState()[pane]
    const { window } = useReading.getState()
    drag.current = { gesture, from: place(event), window, zoom, centre: centre ?? view.centre }
  }
  const onPointerMove = (event: PointerEvent) => {
    const held = drag.current
    const to = place(event)
    if (!held || !view || isClick(held.from, to)) return
    const moves: Record<Gesture, () => void> = {
      window: () => setWindow(windowAfter(held.window, held.from, to)),
      zoom: () => setLook(pane, { zoom: zoomed(held.zoom, to[1] - held.from[1]) }),
      pan: () => {
        const across = scale(view.plane.right, (held.from[0] - to[0]) / view.pxPerMm)
        const down = scale(view.plane.down, (held.from[1] - to[1]) / view.pxPerMm)
        setLook(pane, { centre: add(held.centre, add(across, down)) })
      },
    }
    moves[held.gesture]()
  }
  const onPointerUp = (event: PointerEvent) => {
    const held = drag.current
    drag.current = null
    const { focus } = useReading.getState()
    const to = place(event)
    if (held?.gesture === 'window' && view && focus && isClick(held.from, to)) onClick(canvasToWorld(view, to, focus), to)
  }
  return {
    onPointerDown,
    onPointerMove,
    onPointerUp,
    onContextMenu: (event: { preventDefault: () => void }) => event.preventDefault(),
  }
}
