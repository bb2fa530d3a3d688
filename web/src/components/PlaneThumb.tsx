import { useMemo } from 'react'
import { planeOf, type PlaneName } from '../lib/geometry/planes'
import type { Vec3 } from '../lib/geometry/vec'
import { useVolume } from '../lib/volume/store'
import { usePlaneCanvas } from '../lib/volume/usePlaneCanvas'
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

/** A small square of one plane around a place, in lung window, drawn once its slices are here. */
export function PlaneThumb({ centre, plane, mm, px, label = false }: Props) {
  const grid = useVolume(({ volume }) => volume?.series.grid)
  const [x, y, z] = centre
  const view = useMemo(
    () =>
      grid
        ? { plane: planeOf(grid, plane), centre: [x, y, z] as Vec3, pxPerMm: px / mm, width: px, height: px }
        : null,
    [grid, plane, x, y, z, px, mm],
  )
  const canvas = usePlaneCanvas(view, mm)
  return (
    <span className={styles['thumb']} style={{ width: px }}>
      <canvas ref={canvas} aria-hidden />
      {label && <span className={styles['label']}>{words.viewer.planes[plane]}</span>}
    </span>
  )
}
