/** Hold H hides every mark; H twice keeps them off until the next study or the next H. */
export interface Marks {
  readonly held: boolean
  readonly keptOff: boolean
  readonly downAt: number
  /** End of the last short tap. */
  readonly tappedAt: number
}

export const marksShown: Marks = { held: false, keptOff: false, downAt: 0, tappedAt: -Infinity }

const tapMs = 400

/** The key went down; repeats of a held key change nothing. */
export function holdDown(marks: Marks, at: number): Marks {
  if (marks.held) return marks
  if (marks.keptOff) return marksShown
  return { ...marks, held: true, keptOff: at - marks.tappedAt < tapMs, downAt: at }
}

export const holdUp = (marks: Marks, at: number): Marks =>
  marks.held ? { ...marks, held: false, tappedAt: at - marks.downAt < tapMs ? at : -Infinity } : marks

export const marksHidden = ({ held, keptOff }: Marks): boolean => held || keptOff
