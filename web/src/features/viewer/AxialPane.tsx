import { useEffect, useMemo, useRef } from 'react'
import type { Finding } from '../../api/types'
import type { Cross } from '../../lib/geometry/cross'
import { toVec3, type Vec2, type Vec3 } from '../../lib/geometry/vec'
import { offSlice, sliceIndex } from '../../lib/geometry/view'
import { marksHidden } from '../../lib/keys/hold'
import { jumpTo, setFocus, useReading } from '../../lib/reading/store'
import { markSeen } from '../../lib/reading/seen'
import { isLungWindow } from '../../lib/volume/window'
import type { Volume } from '../../lib/volume/volume'
import { AxesLayer } from './axes/AxesLayer'
import { useMagnify } from './axes/useMagnify'
import { Frame } from './overlay/Frame'
import { Lines } from './overlay/Lines'
import { Marks } from './overlay/Marks'
import { Rail } from './overlay/Rail'
import { ScaleBar } from './overlay/ScaleBar'
import type { Painter } from './paint/painter'
import { BottomRight, TopLeft, TopRight } from './PaneWords'
import { spotAt, spotsOf } from './spots'
import { usePointer } from './tools/usePointer'
import { usePane } from './usePane'
import styles from './Viewer.module.css'

interface Props {
  readonly volume: Volume
  readonly painter: Painter | null
  readonly cpuOnly: boolean
  readonly findings: readonly Finding[]
  readonly onAdd: (world: Vec3) => void
  readonly onCorrect: (finding: Finding, cross: Cross) => void
}

/** Records slices that are really there and shown in a window in which lung can be read. */
function useMarkSeen(volume: Volume, slice: number | null, thin: boolean) {
  const window = useReading((reading) => reading.window)
  useEffect(() => {
    if (slice === null || !thin || !isLungWindow(window)) return undefined
    if (volume.slices[slice]) {
      markSeen(slice)
      return undefined
    }
    return volume.subscribe((k) => k === slice && markSeen(slice))
  }, [volume, slice, thin, window])
}

/** The large axial: thin slices or slab, marks, axes, rail. */
export function AxialPane({ volume, painter, cpuOnly, findings, onAdd, onCorrect }: Props) {
  const { focus, selected, hovered, mode, marks, crosshair, mip, slabMm } = useReading()
  const { grid } = volume.series
  const slab = mip ? slabMm : 0
  const { view, sizeRef, canvasRef } = usePane('axial', volume, painter, slab)
  const element = useRef<HTMLDivElement | null>(null)
  const hidden = marksHidden(marks)
  const spots = useMemo(
    () => (view && focus && !hidden ? spotsOf(findings, view, focus, slab, hovered) : []),
    [findings, view, focus, slab, hovered, hidden],
  )
  const finding = findings.find((one) => one.finding_id === selected) ?? null
  useMagnify(mode === 'axes' || mode === 'measure' ? finding : null, grid, view)
  useMarkSeen(volume, view && focus && sliceIndex(grid, view.plane, focus), slab === 0)

  const onClick = (world: Vec3, [x, y]: Vec2) => {
    if (mode === 'add') return onAdd(world)
    const hit = findings.find((one) => one.finding_id === spotAt(spots, x, y)?.id)
    if (hit) jumpTo({ finding_id: hit.finding_id, center_lps_mm: toVec3(hit.center_lps_mm) })
    else if (crosshair) setFocus(world)
    return undefined
  }
  const pointer = usePointer({ pane: 'axial', view, grid, element, onClick })
  const setElement = (node: HTMLDivElement | null) => {
    element.current = node
    sizeRef(node)
  }
  const editing = finding && (mode === 'axes' || mode === 'measure') && !hidden && view && focus
  const onImage = editing && Math.abs(offSlice(view, finding.center_lps_mm, focus)) <= grid.spacing[view.plane.through]
  return (
    <div ref={setElement} className={styles['pane']} data-pane="axial" data-mode={mode} data-testid="axial" {...pointer}>
      <div ref={canvasRef} className={styles['canvas']} />
      {view && focus && (
        <>
          <Frame view={view} allLetters rail topLeft={<TopLeft grid={grid} slabMm={slab} cpu={cpuOnly} />}
            topRight={<TopRight grid={grid} focus={focus} />} bottomLeft={<ScaleBar pxPerMm={view.pxPerMm} />}
            bottomRight={<BottomRight />} />
          <svg className={styles['svg']} width={view.width} height={view.height} data-testid="overlay">
            {!hidden && crosshair && <Lines view={view} focus={focus} full ticks={false} />}
            {!editing && <Marks spots={spots} selected={selected} width={view.width} />}
            {onImage && <AxesLayer view={view} depth={focus} finding={finding} onCorrect={onCorrect} />}
          </svg>
          <Rail grid={grid} findings={findings} hideMarks={hidden} />
        </>
      )}
    </div>
  )
}
