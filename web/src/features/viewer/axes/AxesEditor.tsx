import { useState, type KeyboardEvent, type PointerEvent } from 'react'
import { axisLength, handles, moveEnd, ordered, type Cross, type HandleIndex } from '../../../lib/geometry/cross'
import { add, middle, scale, type Vec3 } from '../../../lib/geometry/vec'
import { canvasToWorld, worldToCanvas, type View } from '../../../lib/geometry/view'
import { mm } from '../../../lib/format'
import { words } from '../../../words'
import styles from './AxesEditor.module.css'

interface Props {
  readonly view: View
  readonly cross: Cross
  /** A change in progress. */
  readonly onChange: (cross: Cross) => void
  /** A step by key; more may follow. */
  readonly onNudge: (cross: Cross) => void
  /** The hand let go: this is meant. */
  readonly onCommit: (cross: Cross) => void
}

const arrows: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}
const fineMm = 0.1
const coarseMm = 1
const indices: readonly HandleIndex[] = [0, 1, 2, 3]
const labelGap = 8

const pathOf = (view: View, ends: readonly [Vec3, Vec3]): string => {
  const [[x1, y1], [x2, y2]] = [worldToCanvas(view, ends[0]), worldToCanvas(view, ends[1])]
  return `M${x1} ${y1}L${x2} ${y2}`
}

interface LengthProps {
  readonly view: View
  readonly ends: readonly [Vec3, Vec3]
  readonly other: readonly [Vec3, Vec3]
}

/** Length beside the end that lies further right. */
function Length({ view, ends, other }: LengthProps) {
  const [a, b] = [worldToCanvas(view, ends[0]), worldToCanvas(view, ends[1])]
  const [x, y] = a[0] - b[0] > 1 || (Math.abs(a[0] - b[0]) <= 1 && a[1] > b[1]) ? a : b
  const below = y > worldToCanvas(view, middle(...other))[1] + 1
  return (
    <text x={x + labelGap} y={below ? y + 2 * labelGap : y - labelGap} className={styles['length']}>
      {mm(axisLength(ends))}
    </text>
  )
}

/** Long and short axis with four ends that can be dragged, or moved with Tab and arrows. */
export function AxesEditor({ view, cross, onChange, onNudge, onCommit }: Props) {
  const [held, setHeld] = useState<HandleIndex | null>(null)
  const moveTo = (handle: HandleIndex, to: Vec3) => moveEnd(cross, handle, to, view.plane.normal)

  const onMove = (event: PointerEvent<SVGGElement>) => {
    if (held === null) return
    const box = event.currentTarget.ownerSVGElement?.getBoundingClientRect()
    if (!box) return
    onChange(moveTo(held, canvasToWorld(view, [event.clientX - box.left, event.clientY - box.top], cross.long[0])))
  }
  const onUp = () => {
    if (held === null) return
    setHeld(null)
    onCommit(ordered(cross))
  }
  const onKey = (event: KeyboardEvent, handle: HandleIndex) => {
    const step = arrows[event.key]
    if (!step) return
    event.preventDefault()
    event.stopPropagation()
    const by = event.shiftKey ? coarseMm : fineMm
    const move = add(scale(view.plane.right, step[0] * by), scale(view.plane.down, step[1] * by))
    onNudge(moveTo(handle, add(handles(cross)[handle], move)))
  }
  return (
    <g className={styles['axes']} onPointerMove={onMove} onPointerUp={onUp} data-testid="axes">
      <path d={pathOf(view, cross.long)} className={styles['halo']} />
      <path d={pathOf(view, cross.short)} className={styles['halo']} />
      <path d={pathOf(view, cross.long)} className={styles['line']} />
      <path d={pathOf(view, cross.short)} className={styles['line']} />
      {indices.map((handle) => {
        const [x, y] = worldToCanvas(view, handles(cross)[handle])
        return (
          <g key={handle} tabIndex={0} role="slider" aria-label={words.viewer.handles[handle]}
            aria-valuenow={Number(axisLength(handle < 2 ? cross.long : cross.short).toFixed(1))}
            aria-valuetext={`${mm(axisLength(handle < 2 ? cross.long : cross.short))} mm`}
            className={styles['handle']} data-testid={`handle-${handle}`}
            onPointerDown={(event) => {
              event.stopPropagation()
              event.currentTarget.setPointerCapture(event.pointerId)
              setHeld(handle)
            }}
            onKeyDown={(event) => onKey(event, handle)}>
            <circle cx={x} cy={y} r={12} className={styles['reach']} />
            <circle cx={x} cy={y} r={4} className={styles['ring']} />
            <circle cx={x} cy={y} r={4} />
          </g>
        )
      })}
      <Length view={view} ends={cross.long} other={cross.short} />
      <Length view={view} ends={cross.short} other={cross.long} />
    </g>
  )
}
