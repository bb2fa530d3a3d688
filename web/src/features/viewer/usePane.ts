import { useElementSize } from '@mantine/hooks'
import { useEffect, useMemo, useRef } from 'react'
import { middleOf } from '../../lib/geometry/grid'
import { planeOf } from '../../lib/geometry/planes'
import type { Vec3 } from '../../lib/geometry/vec'
import { fitScale, worldToCanvas, type View } from '../../lib/geometry/view'
import { useReading } from '../../lib/reading/store'
import type { Volume } from '../../lib/volume/volume'
import type { Painter } from './paint/painter'
import { planeOfPane, setLook, useLooks, type PaneName } from './views'

/** A jump target nearer than this share to the edge is brought to the middle. */
const edgeShare = 0.1

/** Brings the place of a jump into view; scrolling never moves the picture. */
function useBringIntoView(pane: PaneName, view: View | null, focus: Vec3 | null) {
  const jumps = useReading((reading) => reading.jumps)
  const seen = useRef(jumps)
  useEffect(() => {
    if (!view || !focus || seen.current === jumps) return
    seen.current = jumps
    const [x, y] = worldToCanvas(view, focus)
    const inside = (at: number, size: number) => at > size * edgeShare && at < size * (1 - edgeShare)
    if (!inside(x, view.width) || !inside(y, view.height)) setLook(pane, { centre: focus })
  }, [jumps, view, focus, pane])
}

/** Keeps one viewport drawn. Pixels follow in the next frame, without React. */
function usePainting(pane: PaneName, volume: Volume, painter: Painter | null, view: View | null, slabMm: number) {
  const focus = useReading((reading) => reading.focus)
  const window = useReading((reading) => reading.window)
  const frame = useRef(0)
  useEffect(() => {
    if (!painter || !view || !focus) return undefined
    const draw = () => {
      frame.current = 0
      painter.draw(pane, { view, depth: focus, window, slabMm })
    }
    const soon = () => {
      frame.current ||= requestAnimationFrame(draw)
    }
    soon()
    const unsubscribe = volume.status === 'loading' ? volume.subscribe(soon) : () => undefined
    return () => {
      unsubscribe()
      cancelAnimationFrame(frame.current)
      frame.current = 0
    }
  }, [pane, volume, painter, view, focus, window, slabMm])
}

export interface Pane {
  readonly view: View | null
  readonly sizeRef: (element: HTMLDivElement | null) => void
  readonly canvasRef: React.RefObject<HTMLDivElement | null>
}

/** One viewport: its size, its geometry, its pixels. */
export function usePane(pane: PaneName, volume: Volume, painter: Painter | null, slabMm: number): Pane {
  const { ref: sizeRef, width, height } = useElementSize<HTMLDivElement>()
  const canvasRef = useRef<HTMLDivElement>(null)
  const look = useLooks((looks) => looks[pane])
  const focus = useReading((reading) => reading.focus)
  const { grid } = volume.series
  const view = useMemo(() => {
    if (width === 0 || height === 0) return null
    const plane = planeOf(grid, planeOfPane[pane])
    const pxPerMm = fitScale(grid, plane, width, height) * look.zoom
    return { plane, centre: look.centre ?? middleOf(grid), pxPerMm, width, height }
  }, [grid, pane, width, height, look])
  useEffect(() => {
    const element = canvasRef.current
    if (!painter || !element) return undefined
    painter.mount(pane, element)
    return () => painter.unmount(pane)
  }, [pane, painter])
  usePainting(pane, volume, painter, view, slabMm)
  useBringIntoView(pane, view, focus)
  return { view, sizeRef, canvasRef }
}
