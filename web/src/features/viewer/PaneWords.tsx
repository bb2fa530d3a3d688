import { toIndex, toWorld, type Grid } from '../../lib/geometry/grid'
import type { Vec3 } from '../../lib/geometry/vec'
import { hu, minus, mm } from '../../lib/format'
import { useReading } from '../../lib/reading/store'
import { useSeen } from '../../lib/reading/seen'
import { marksHidden } from '../../lib/keys/hold'
import { presetOf } from '../../lib/volume/window'
import { useVolume } from '../../lib/volume/store'
import { Key } from '../../components/Key'
import { words } from '../../words'
import { readNumber } from './scroll'
import styles from './overlay/Frame.module.css'

const { viewer } = words

/** Plane, slice thickness and window, with the key of the preset. */
export function TopLeft({ grid, slabMm, cpu }: { readonly grid: Grid; readonly slabMm: number; readonly cpu: boolean }) {
  const window = useReading((reading) => reading.window)
  const hidden = useReading((reading) => marksHidden(reading.marks))
  const preset = presetOf(window)
  return (
    <>
      <span className={styles['line']}>
        {slabMm > 0 ? `${viewer.planes.mip} ${slabMm} mm` : `${viewer.planes.axial} ${mm(grid.spacing[2])} mm`}
        {cpu && ` · ${viewer.cpu}`}
      </span>
      <span className={styles['line']} data-testid="window">
        {preset ? viewer.presets[preset] : viewer.ownWindow} {window.width} / {hu(window.centre)} {preset && <Key act={preset} />}
      </span>
      {hidden && <span className={styles['line']}>{viewer.marksHidden}</span>}
    </>
  )
}

/** Place of the slice: world z of its middle and its number from the head. */
export function TopRight({ grid, focus }: { readonly grid: Grid; readonly focus: Vec3 }) {
  const [i, j, k] = toIndex(grid, focus)
  const z = toWorld(grid, [i, j, Math.round(k)])[2]
  return (
    <>
      <span className={styles['line']}>{viewer.z(minus(z.toFixed(1)))}</span>
      <span className={styles['line']} data-testid="slice">
        {viewer.slice(readNumber(grid, focus), grid.size[2])}
      </span>
    </>
  )
}

/** How much was loaded, or, once all is here, how much was shown. */
export function BottomRight() {
  const { loaded, count, status } = useVolume()
  const seen = useSeen((state) => state.slices.size)
  const text = {
    loading: viewer.loaded(loaded, count),
    failed: viewer.loadFailed(loaded, count),
    whole: viewer.slicesShown(count === 0 ? 0 : Math.floor((100 * seen) / count)),
  }
  return <span data-testid="loaded">{text[status]}</span>
}
