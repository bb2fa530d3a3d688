import type { Vec3 } from './vec'

/** DICOM PS3.3 C.7.6.1.1.1: letters of the patient directions −x +x, −y +y, −z +z in LPS. */
const names = [['R', 'L'], ['A', 'P'], ['F', 'H']] as const

/** A part this small (about 20 degrees off) is not worth a second letter. */
const worthALetter = 0.34

/** Orientation letters of a unit direction, strongest first: `L`, `LA`, `LAF`. */
export function letters(direction: Vec3): string {
  return direction
    .map((part, axis) => ({ part, name: names[axis]?.[part < 0 ? 0 : 1] ?? '' }))
    .filter(({ part }) => Math.abs(part) > worthALetter)
    .toSorted((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .map(({ name }) => name)
    .join('')
}
