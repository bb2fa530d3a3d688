import type { Finding } from '../../../api/types'
import { Key } from '../../../components/Key'
import { useVolume } from '../../../lib/volume/store'
import { words } from '../../../words'
import { KeyImage } from './KeyImage'
import styles from './KeyImages.module.css'

const { report } = words

const widestMm = 100
const nearMm = 60
const timesAxis = 4

/** Where the axes of a finding come from. */
export function axesLine({ long_mm, long_axis_lps_mm, short_axis_lps_mm, proposed }: Finding): string {
  if (long_mm === null) return report.axes.none
  if (!long_axis_lps_mm || !short_axis_lps_mm) return report.axes.typed
  const same = JSON.stringify([long_axis_lps_mm, short_axis_lps_mm])
  const model = JSON.stringify([proposed['long_axis_lps_mm'], proposed['short_axis_lps_mm']])
  return same === model ? report.axes.model : report.axes.reader
}

function Keys() {
  return (
    <p className={styles['keys']}>
      <span><Key act="next" /><Key act="previous" /> {report.keys.step}</span>
      <span><Key act="axes" /> {report.keys.axes}</span>
      <span><Key act="undo" /> {report.keys.undo}</span>
      <span><Key act="back" /> {report.keys.back}</span>
    </p>
  )
}

/** Three planes of the finding the reader is at. What is seen here does not count as looked at. */
export function KeyImages({ finding }: { readonly finding: Finding | null }) {
  const volume = useVolume((opened) => opened.volume)
  if (!finding || !volume || finding.series_uid !== volume.series.seriesUid)
    return <p className={styles['none']}>{finding ? report.noImage : report.noFinding}</p>
  const { grid, regular } = volume.series
  const side = (least: number) => Math.max(least, timesAxis * (finding.long_mm ?? 0))
  return (
    <>
      <div className={styles['images']} data-stack={!regular || undefined}>
        <KeyImage finding={finding} grid={grid} plane="axial" side={side(widestMm)} />
        {regular && <KeyImage finding={finding} grid={grid} plane="coronal" side={side(nearMm)} />}
        {regular && <KeyImage finding={finding} grid={grid} plane="sagittal" side={side(nearMm)} />}
      </div>
      <footer className={styles['caption']}>
        <h3>
          {report.finding(finding.number)} <span>{report.planes(regular ? 3 : 1)}</span>
        </h3>
        <p>{axesLine(finding)}</p>
        <p className={styles['dotted']}>{report.dotted}</p>
        <Keys />
      </footer>
    </>
  )
}
