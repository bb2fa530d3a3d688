/** Bands of the calibrated probability that a mark is a nodule (look.md, section 6). */
export type Likelihood = 'veryLikely' | 'likely' | 'possible' | 'unlikely'

const bands: readonly [number, Likelihood][] = [
  [0.9, 'veryLikely'],
  [0.6, 'likely'],
  [0.3, 'possible'],
  [0, 'unlikely'],
]

export const likelihood = (probability: number): Likelihood =>
  bands.find(([from]) => probability >= from)?.[1] ?? 'unlikely'
