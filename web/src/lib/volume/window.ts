/** Display windows, HU: width and centre as printed (contract keys 1–4). */
export interface Window {
  readonly width: number
  readonly centre: number
}

export type PresetName = 'soft' | 'lung' | 'bone' | 'mediastinum'

export const presets: Record<PresetName, Window> = {
  soft: { width: 400, centre: 40 },
  lung: { width: 1500, centre: -600 },
  bone: { width: 2500, centre: 480 },
  mediastinum: { width: 350, centre: 50 },
}

/** Name of the preset a window equals, if any. */
export const presetOf = (window: Window): PresetName | null =>
  (Object.keys(presets) as PresetName[]).find(
    (name) => presets[name].width === window.width && presets[name].centre === window.centre,
  ) ?? null

/** Lung counts as shown only in a window wide and low enough to see nodules in. */
export const isLungWindow = ({ width, centre }: Window): boolean =>
  width >= 1000 && width <= 2000 && centre >= -800 && centre <= -400

/** Grey of every HU, by hu + 32768 (DICOM PS3.3 C.11.2.1.2.1, linear). */
export function greyTable({ width, centre }: Window): Uint8ClampedArray {
  const table = new Uint8ClampedArray(65536)
  const span = Math.max(1, width - 1)
  for (let n = 0; n < 65536; n += 1)
    table[n] = ((n - 32768 - (centre - 0.5)) / span + 0.5) * 255
  return table
}

/** A drag of (dx, dy) px: right widens, down raises the centre, as in OHIF. */
export const dragged = (from: Window, dx: number, dy: number): Window => ({
  width: Math.max(1, Math.round(from.width + dx * 4)),
  centre: Math.round(from.centre + dy * 4),
})
