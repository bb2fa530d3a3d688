import { useRef, type PointerEvent } from 'react'
import type { Finding } from '../../../api/types'
import { clampToGrid, toIndex, toWorld, type Grid } from '../../../lib/geometry/grid'
import { sliceOfFinding } from '../../../lib/volume/series'
import { setFocus, useReading } from '../../../lib/reading/store'
import { toRanges, useSeen } from '../../../lib/reading/seen'
import { words } from '../../../words'
import styles from './Rail.module.css'

interface Props {
  readonly grid: Grid
  readonly findings: readonly Finding[]
  readonly hideMarks: boolean
}

const percent = (value: number) => `${(value * 100).toFixed(3)}%`

/** The stack from head to foot: light where it was shown in lung window, a tick per finding, a
 * triangle at this slice. Click or drag scrolls; keys do the same for the keyboard. */
export function Rail({ grid, findings, hideMarks }: Props) {
  const rail = useRef<HTMLDivElement>(null)
  const focus = useReading((reading) => reading.focus)
  const selected = useReading((reading) => reading.selected)
  const seen = useSeen((state) => state.slices)
  if (!focus) return null
  const count = grid.size[2]
  const headFirst = grid.axes[2][2] > 0
  /** Share of the rail's length from its top, the head. */
  const down = (k: number) => (headFirst ? count - 1 - k : k) / Math.max(1, count - 1)
  const go = ({ clientY, buttons }: PointerEvent) => {
    const box = rail.current?.getBoundingClientRect()
    if (!box || buttons === 0) return
    const share = Math.min(1, Math.max(0, (clientY - box.top) / box.height))
    const k = Math.round((headFirst ? 1 - share : share) * (count - 1))
    const [i, j] = toIndex(grid, focus)
    setFocus(clampToGrid(grid, toWorld(grid, [i, j, k]), 2))
  }
  const here = toIndex(grid, focus)[2]
  const visible = findings.filter(({ state }) => state !== 'rejected' && state !== 'withdrawn' && state !== 'dismissed')
  return (
    <div className={styles['rail']} ref={rail} onPointerDown={go} onPointerMove={go} aria-hidden data-testid="rail"
      title={words.viewer.rail}>
      {toRanges(seen).map(([from, to]) => {
        const [top, bottom] = headFirst ? [down(to), down(from)] : [down(from), down(to)]
        return <span key={from} className={styles['seen']} style={{ top: percent(top), bottom: percent(1 - bottom) }} />
      })}
      {!hideMarks &&
        visible.map((finding) => (
          <span key={finding.finding_id} className={styles['tick']} data-state={finding.state}
            data-selected={finding.finding_id === selected || undefined}
            style={{ top: percent(down(sliceOfFinding(grid, finding))) }}>
            {finding.number}
          </span>
        ))}
      <span className={styles['here']} style={{ top: percent(down(here)) }}>
        ◁
      </span>
    </div>
  )
}
