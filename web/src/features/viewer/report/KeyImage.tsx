import { useElementSize } from '@mantine/hooks'
import { useMemo } from 'react'
import type { Finding } from '../../../api/types'
import type { Grid } from '../../../lib/geometry/grid'
import { planeOf, type PlaneName } from '../../../lib/geometry/planes'
import { toVec3 } from '../../../lib/geometry/vec'
import { hu, minus, mm } from '../../../lib/format'
import { usePlaneCanvas } from '../../../lib/volume/usePlaneCanvas'
import { presets } from '../../../lib/volume/window'
import { words } from '../../../words'
import { Frame } from '../overlay/Frame'
import { ScaleBar } from '../overlay/ScaleBar'
import { StillAxes } from './StillAxes'
import pane from '../Viewer.module.css'
import frame from '../overlay/Frame.module.css'
import styles from './KeyImages.module.css'

const { viewer } = words

interface Props {
  readonly finding: Finding
  readonly grid: Grid
  readonly plane: PlaneName
  /** Side of the square that is shown, mm. */
  readonly side: number
}

/** Narrower images have no room for the place of the slice beside plane and window. */
const roomy = 260

const windowWords = `${viewer.presets.lung} ${presets.lung.width} / ${hu(presets.lung.centre)}`

function TopLeft({ grid }: { readonly grid: Grid }) {
  return (
    <>
      <span className={frame['line']}>
        {viewer.planes.axial} {mm(grid.spacing[2])} mm
      </span>
      <span className={frame['line']}>{windowWords}</span>
    </>
  )
}

/** One plane through a finding, still: the axes lie where they were measured. */
export function KeyImage({ finding, grid, plane, side }: Props) {
  const { ref, width, height } = useElementSize<HTMLDivElement>()
  const [x, y, z] = toVec3(finding.center_lps_mm)
  const view = useMemo(
    () =>
      width > 0 && height > 0
        ? { plane: planeOf(grid, plane), centre: [x, y, z] as const, pxPerMm: Math.min(width, height) / side, width, height }
        : null,
    [grid, plane, x, y, z, side, width, height],
  )
  const canvas = usePlaneCanvas(view, side)
  const axial = plane === 'axial'
  return (
    <div ref={ref} className={`${pane['pane']} ${styles['image']}`} data-plane={plane} data-testid={`key-${plane}`}
      role="img" aria-label={words.report.keyImage(finding.number, viewer.planes[plane])}>
      <canvas ref={canvas} className={styles['canvas']} />
      {view && (
        <>
          <Frame view={view} allLetters={false} topLeft={axial ? <TopLeft grid={grid} /> : viewer.planes[plane]}
            topRight={axial && width > roomy && viewer.z(minus(z.toFixed(1)))}
            bottomLeft={axial && <ScaleBar pxPerMm={view.pxPerMm} room={width / 3} />} />
          {axial && <StillAxes view={view} finding={finding} />}
        </>
      )}
    </div>
  )
}
