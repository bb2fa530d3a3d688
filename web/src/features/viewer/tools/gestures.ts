import type { Vec2 } from '../../../lib/geometry/vec'
import { dragged, type Window } from '../../../lib/volume/window'

/** What a drag does, by mouse button, as in OHIF: left window, middle pan, right zoom. */
export type Gesture = 'window' | 'pan' | 'zoom'

const byButton: Partial<Record<number, Gesture>> = { 0: 'window', 1: 'pan', 2: 'zoom' }

/** The gesture of a pressed button; Shift pans and Ctrl zooms where there is one button only. */
export function gestureOf(event: { button: number; shiftKey: boolean; ctrlKey: boolean }): Gesture | null {
  if (event.button === 0 && event.shiftKey) return 'pan'
  if (event.button === 0 && event.ctrlKey) return 'zoom'
  return byButton[event.button] ?? null
}

/** A press that moves less than this is a click, px. */
export const clickReach = 3

export const isClick = (from: Vec2, to: Vec2): boolean => Math.hypot(to[0] - from[0], to[1] - from[1]) < clickReach

export const windowAfter = (start: Window, from: Vec2, to: Vec2): Window => dragged(start, to[0] - from[0], to[1] - from[1])
