import { worldToCanvas, type View } from '../../../lib/geometry/view'
import type { Vec3 } from '../../../lib/geometry/vec'
import styles from './Lines.module.css'

interface Props {
  readonly view: View
  readonly focus: Vec3
  /** Full lines through the focus (key G). */
  readonly full: boolean
  /** Ticks at the edges where the axial slice cuts this plane. */
  readonly ticks: boolean
}

const tick = 10
const gap = 14

/** Where the other planes cut this one: ticks at the edges, whole lines only when asked for. */
export function Lines({ view, focus, full, ticks }: Props) {
  const [x, y] = worldToCanvas(view, focus)
  const { width, height } = view
  const paths = [
    ticks && !full ? `M0 ${y}H${tick}M${width - tick} ${y}H${width}` : '',
    full ? `M0 ${y}H${x - gap}M${x + gap} ${y}H${width}M${x} 0V${y - gap}M${x} ${y + gap}V${height}` : '',
  ].join('')
  if (!paths) return null
  return (
    <g data-testid={full ? 'crosshair' : 'ticks'}>
      <path d={paths} className={styles['halo']} />
      <path d={paths} className={styles['line']} />
    </g>
  )
}
