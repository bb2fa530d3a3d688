import { useEffect, useMemo, useRef } from 'react'
import { planeOf, type PlaneName } from '../lib/geometry/planes'
import type { Vec3 } from '../lib/geometry/vec'
import { sliceIndex, type View } from '../lib/geometry/view'
import { paintGrey, place } from '../lib/volume/canvas'
import { reformat } from '../lib/volume/reformat'
import { useVolume } from '../lib/volume/store'
import type { Volume } from '../lib/volume/volume'
import { greyTable, presets } from '../lib/volume/window'
import { words } from '../words'
import styles from './PlaneThumb.module.css'

interface Props {
  readonly centre: Vec3
  readonly plane: PlaneName
  /** Side of the square that is shown, mm. */
  readonly mm: number
  /** Side in CSS px. */
  readonly px: number
  readonly label?: boolean
}

const lung = greyTable(presets.lung)

/** Whether every slice that the square needs is here. */
function here(volume: Volume, view: View, mm: number): boolean {
  const { grid } = volume.series
  const middle = sliceIndex(grid, planeOf(grid, 'axial'), view.centre)
  const reach = view.plane.through === 2 ? 0 : Math.ceil(mm / 2 / grid.spacing[2])
  for (let k = Math.max(0, middle - reach); k <= Math.min(volume.count - 1, middle + reach); k += 1)
    if (!volume.slices[k]) return false
  return true
}

/** A small square of one plane around a place, in lung window, drawn once its slices are here. */
export function PlaneThumb({ centre, plane, mm, px, label = false }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const drawn = useRef('')
  const { volume, loaded } = useVolume()
  const [x, y, z] = centre
  const view = useMemo(
    () =>
      volume && {
        plane: planeOf(volume.series.grid, plane),
        centre: [x, y, z] as Vec3,
        pxPerMm: px / mm,
        width: px,
        height: px,
      },
    [volume, plane, x, y, z, px, mm],
  )
  useEffect(() => {
    const target = canvas.current
    const name = `${x} ${y} ${z} ${volume?.series.seriesUid ?? ''}`
    if (!target || !volume || !view || drawn.current === name || !here(volume, view, mm)) return
    const { grid } = volume.series
    const grey = document.createElement('canvas')
    paintGrey(grey, reformat(volume, view.plane, sliceIndex(grid, view.plane, view.centre)), lung)
    place(target, grey, grid, view)
    drawn.current = name
  }, [volume, view, loaded, mm, x, y, z])
  return (
    <span className={styles['thumb']} style={{ width: px }}>
      <canvas ref={canvas} aria-hidden />
      {label && <span className={styles['label']}>{words.viewer.planes[plane]}</span>}
    </span>
  )
}
