import { create } from 'zustand'
import type { Vec3 } from '../geometry/vec'
import { holdDown, holdUp, marksShown, type Marks } from '../keys/hold'
import { presets, type Window } from '../volume/window'
import { nextMode, type Mode, type ModeAct } from './mode'

/** What the reader looks at. Shared by the images and the findings panel; nothing here is a decision. */
export interface Reading {
  readonly studyUid: string | null
  /** The point all planes pass through, LPS mm; null until the series is known. */
  readonly focus: Vec3 | null
  readonly selected: string | null
  readonly hovered: string | null
  readonly window: Window
  readonly mode: Mode
  readonly marks: Marks
  readonly crosshair: boolean
  /** The large axial as slab MIP. */
  readonly mip: boolean
  readonly slabMm: number
  /** Rises with every jump to a finding: images bring it into view when they see a new number. */
  readonly jumps: number
  /** Last sentence for a screen reader. */
  readonly said: string
}

const fresh: Omit<Reading, 'studyUid'> = {
  focus: null,
  selected: null,
  hovered: null,
  window: presets.lung,
  mode: 'read',
  marks: marksShown,
  crosshair: false,
  mip: false,
  slabMm: 10,
  jumps: 0,
  said: '',
}

export const useReading = create<Reading>(() => ({ studyUid: null, ...fresh }))

const set = useReading.setState

export const startReading = (studyUid: string) => set({ studyUid, ...fresh })
export const setFocus = (focus: Vec3) => set({ focus })
export const setWindow = (window: Window) => set({ window })
export const setMode = (mode: Mode) => set({ mode })
export const act = (name: ModeAct) => set(({ mode }) => ({ mode: nextMode(mode, name) }))
export const hover = (hovered: string | null) => set({ hovered })
export const say = (said: string) => set({ said })
export const toggleCrosshair = () => set(({ crosshair }) => ({ crosshair: !crosshair }))
export const toggleMip = () => set(({ mip }) => ({ mip: !mip }))
export const hideDown = () => set(({ marks }) => ({ marks: holdDown(marks, performance.now()) }))
export const hideUp = () => set(({ marks }) => ({ marks: holdUp(marks, performance.now()) }))

const thinnest = 1
const thickest = 30

/** Slab of the MIP, 1 to 30 mm. */
export const thicken = (byMm: number) =>
  set(({ slabMm }) => ({ slabMm: Math.min(thickest, Math.max(thinnest, slabMm + byMm)) }))

/** Selects a finding and moves every plane through it. */
export const jumpTo = (finding: { finding_id: string; center_lps_mm: Vec3 }) =>
  set(({ mode, jumps }) => ({
    jumps: jumps + 1,
    selected: finding.finding_id,
    focus: finding.center_lps_mm,
    mode: mode === 'sign' ? mode : 'read',
  }))

/** A finding that was added here got its name from the server. */
export const renameSelected = (from: string, to: string) =>
  set(({ selected }) => (selected === from ? { selected: to } : {}))
