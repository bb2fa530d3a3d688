import { useState, type PointerEvent } from 'react'
import { axisLength, crossOn, type Cross } from '../../../lib/geometry/cross'
import type { Vec3 } from '../../../lib/geometry/vec'
import { canvasToWorld, worldToCanvas, type View } from '../../../lib/geometry/view'
import styles from './AxesEditor.module.css'

interface Props {
  readonly view: View
  readonly depth: Vec3
  /** A long axis was drawn; the short one is a first proposal. */
  readonly onDrawn: (cross: Cross) => void
}

const shortestMm = 1

/** Bidirectional: the longest axis is drawn by one drag over the image. */
export function DrawAxis({ view, depth, onDrawn }: Props) {
  const [ends, setEnds] = useState<readonly [Vec3, Vec3] | null>(null)
  const at = (event: PointerEvent<SVGElement>): Vec3 => {
    const box = event.currentTarget.getBoundingClientRect()
    return canvasToWorld(view, [event.clientX - box.left, event.clientY - box.top], depth)
  }
  const [a, b] = ends ? [worldToCanvas(view, ends[0]), worldToCanvas(view, ends[1])] : [null, null]
  return (
    <g>
      <rect width={view.width} height={view.height} className={styles['sheet']} data-testid="draw"
        onPointerDown={(event) => {
          event.stopPropagation()
          event.currentTarget.setPointerCapture(event.pointerId)
          setEnds([at(event), at(event)])
        }}
        onPointerMove={(event) => ends && setEnds([ends[0], at(event)])}
        onPointerUp={() => {
          setEnds(null)
          if (ends && axisLength(ends) >= shortestMm) onDrawn(crossOn(ends, view.plane.normal))
        }} />
      {a && b && <path d={`M${a[0]} ${a[1]}L${b[0]} ${b[1]}`} className={styles['line']} />}
    </g>
  )
}
