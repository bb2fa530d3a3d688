/** Hold H hides every mark; H twice keeps them off until the next study or the next H. */
export interface Marks {
  readonly held: boolean
  readonly keptOff: boolean
  readonly lastUpAt: number
}

export const marksShown: Marks = { held: false, keptOff: false, lastUpAt: -Infinity }

const twiceWithinMs = 400

/** The key went down; repeats of a held key change nothing. */
export function holdDown(marks: Marks, at: number): Marks {
  if (marks.held) return marks
  if (marks.keptOff) return { held: false, keptOff: false, lastUpAt: -Infinity }
  const twice = at - marks.lastUpAt < twiceWithinMs
  return { held: true, keptOff: twice, lastUpAt: marks.lastUpAt }
}

export const holdUp = (marks: Marks, at: number): Marks =>
  marks.held ? { ...marks, held: false, lastUpAt: at } : marks

export const marksHidden = ({ held, keptOff }: Marks): boolean => held || keptOff
