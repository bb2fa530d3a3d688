import { useMemo, useRef } from 'react'
import type { Finding } from '../../api/types'
import { Key } from '../../components/Key'
import { toVec3, type Vec2, type Vec3 } from '../../lib/geometry/vec'
import { marksHidden } from '../../lib/keys/hold'
import { jumpTo, setFocus, useReading } from '../../lib/reading/store'
import type { Volume } from '../../lib/volume/volume'
import { words } from '../../words'
import { Frame } from './overlay/Frame'
import { Lines } from './overlay/Lines'
import { Marks } from './overlay/Marks'
import type { Painter } from './paint/painter'
import { spotAt, spotsOf } from './spots'
import { usePointer } from './tools/usePointer'
import { usePane } from './usePane'
import type { PaneName } from './views'
import styles from './Viewer.module.css'

interface Props {
  readonly pane: Exclude<PaneName, 'axial'>
  readonly volume: Volume
  readonly painter: Painter | null
  readonly findings: readonly Finding[]
  readonly onAdd: (world: Vec3) => void
}

/** Where the slab has no viewport of its own, its key is printed here. */
const MipHint = () => (
  <span>
    {words.viewer.mip} <Key act="mip" />
  </span>
)

/** A small viewport: coronal, sagittal or the axial slab. */
export function SidePane({ pane, volume, painter, findings, onAdd }: Props) {
  const { focus, selected, hovered, mode, marks, crosshair, slabMm } = useReading()
  const slab = pane === 'mip' ? slabMm : 0
  const { grid } = volume.series
  const { view, sizeRef, canvasRef } = usePane(pane, volume, painter, slab)
  const element = useRef<HTMLDivElement | null>(null)
  const hidden = marksHidden(marks)
  const spots = useMemo(
    () => (view && focus && !hidden ? spotsOf(findings, view, focus, slab, hovered) : []),
    [findings, view, focus, slab, hovered, hidden],
  )
  const onClick = (world: Vec3, [x, y]: Vec2) => {
    if (mode === 'add') return onAdd(world)
    const hit = findings.find((one) => one.finding_id === spotAt(spots, x, y)?.id)
    if (hit) jumpTo({ finding_id: hit.finding_id, center_lps_mm: toVec3(hit.center_lps_mm) })
    else if (crosshair) setFocus(world)
    return undefined
  }
  const pointer = usePointer({ pane, view, grid, element, onClick })
  const setElement = (node: HTMLDivElement | null) => {
    element.current = node
    sizeRef(node)
  }
  const title =
    pane === 'mip' ? (
      <span>
        {words.viewer.planes.mip} {slabMm} mm <Key act="mip" />
      </span>
    ) : (
      words.viewer.planes[pane]
    )
  return (
    <div ref={setElement} className={styles['pane']} data-pane={pane} data-mode={mode} data-testid={pane} {...pointer}>
      <div ref={canvasRef} className={styles['canvas']} />
      {view && focus && (
        <>
          <Frame view={view} allLetters={false} topLeft={title} smallHint={pane === 'sagittal' && <MipHint />} />
          <svg className={styles['svg']} width={view.width} height={view.height}>
            {!hidden && <Lines view={view} focus={focus} full={crosshair} ticks={pane !== 'mip'} />}
            <Marks spots={spots} selected={selected} width={view.width} />
          </svg>
        </>
      )}
    </div>
  )
}
