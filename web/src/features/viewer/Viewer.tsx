import type { Finding } from '../../api/types'
import { Notice } from '../../components/Notice'
import type { Cross } from '../../lib/geometry/cross'
import type { Vec3 } from '../../lib/geometry/vec'
import { useReading } from '../../lib/reading/store'
import { useVolume } from '../../lib/volume/store'
import { words } from '../../words'
import { AxialPane } from './AxialPane'
import { usePainter } from './paint/usePainter'
import { SidePane } from './SidePane'
import { useViewerKeys } from './useViewerKeys'
import styles from './Viewer.module.css'

interface Props {
  readonly findings: readonly Finding[]
  readonly onAdd: (world: Vec3) => void
  readonly onCorrect: (finding: Finding, cross: Cross) => void
}

const sides = ['coronal', 'sagittal', 'mip'] as const

/** The images: a large axial, the other planes, and a slab. A series that is not evenly spaced shows
 * its own images only. */
export function Viewer({ findings, onAdd, onCorrect }: Props) {
  const volume = useVolume((opened) => opened.volume)
  const mode = useReading((reading) => reading.mode)
  const { painter, cpuOnly } = usePainter(volume)
  useViewerKeys(volume?.series.grid ?? null)
  if (!volume) return null
  const hints: Partial<Record<typeof mode, string>> = {
    add: words.viewer.add,
    measure: words.viewer.measure,
    axes: words.viewer.axes,
  }
  const { regular } = volume.series
  return (
    <div className={styles['viewer']} data-stack={!regular || undefined} data-painter={painter?.kind}>
      <AxialPane volume={volume} painter={painter} cpuOnly={cpuOnly} findings={findings} onAdd={onAdd} onCorrect={onCorrect} />
      {regular &&
        sides.map((pane) => (
          <SidePane key={pane} pane={pane} volume={volume} painter={painter} findings={findings} onAdd={onAdd} />
        ))}
      {hints[mode] && <div className={styles['hint']}>{hints[mode]}</div>}
      {!regular && (
        <div className={styles['banner']}>
          <Notice kind="attention" title={words.viewer.stackOnly} />
        </div>
      )}
    </div>
  )
}
