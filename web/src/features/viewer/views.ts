import { create } from 'zustand'
import type { PlaneName } from '../../lib/geometry/planes'
import type { Vec3 } from '../../lib/geometry/vec'

export type PaneName = 'axial' | 'coronal' | 'sagittal' | 'mip'

export const planeOfPane: Record<PaneName, PlaneName> = {
  axial: 'axial',
  coronal: 'coronal',
  sagittal: 'sagittal',
  mip: 'axial',
}

/** How the reader moved one viewport away from showing all of its plane. */
export interface Look {
  /** Times the fitting scale. */
  readonly zoom: number
  /** Patient point in the middle; null = middle of the volume. */
  readonly centre: Vec3 | null
}

const whole: Look = { zoom: 1, centre: null }
const fitted: Record<PaneName, Look> = { axial: whole, coronal: whole, sagittal: whole, mip: whole }

export const useLooks = create<Record<PaneName, Look>>(() => fitted)

export const setLook = (pane: PaneName, look: Partial<Look>) =>
  useLooks.setState((looks) => ({ [pane]: { ...looks[pane], ...look } }))

export const fitAll = () => useLooks.setState(fitted)

const nearest = 20
const farthest = 0.5
const perPixel = 1.01

/** Zoom after a drag of so many px: up is nearer. */
export const zoomed = (zoom: number, dy: number): number =>
  Math.min(nearest, Math.max(farthest, zoom * perPixel ** -dy))
