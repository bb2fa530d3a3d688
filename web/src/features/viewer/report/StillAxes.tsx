import type { Finding } from '../../../api/types'
import { mm } from '../../../lib/format'
import { toVec3, type Vec3 } from '../../../lib/geometry/vec'
import { worldToCanvas, type View } from '../../../lib/geometry/view'
import pane from '../Viewer.module.css'
import styles from './StillAxes.module.css'

interface AxisProps {
  readonly view: View
  readonly ends: readonly [Vec3, Vec3]
  readonly length: number | null
}

const gap = 8

/** One axis with its length beside the end that lies further right. */
function Axis({ view, ends, length }: AxisProps) {
  const [a, b] = [worldToCanvas(view, ends[0]), worldToCanvas(view, ends[1])]
  const path = `M${a[0]} ${a[1]}L${b[0]} ${b[1]}`
  const [x, y] = a[0] > b[0] ? a : b
  return (
    <>
      <path d={path} className={styles['halo']} />
      <path d={path} className={styles['line']} />
      <text x={x + gap} y={y + (y > view.height / 2 ? gap * 2 : 0)} className={styles['length']}>
        {mm(length)}
      </text>
    </>
  )
}

type Ends = readonly [readonly number[], readonly number[]]
const points = ([a, b]: Ends): readonly [Vec3, Vec3] => [toVec3(a), toVec3(b)]

/** The measured axes. Only end points that are there are drawn: a typed size has none. */
export function StillAxes({ view, finding }: { readonly view: View; readonly finding: Finding }) {
  const { long_axis_lps_mm: long, short_axis_lps_mm: short, long_mm, short_mm, state } = finding
  if (!long || !short) return null
  return (
    <svg className={`${pane['svg']} ${styles['axes']}`} width={view.width} height={view.height} data-state={state}
      data-testid="key-axes">
      <Axis view={view} ends={points(long)} length={long_mm} />
      <Axis view={view} ends={points(short)} length={short_mm} />
    </svg>
  )
}
