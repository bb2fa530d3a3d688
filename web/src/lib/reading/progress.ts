import type { Finding, Study } from '../../api/types'
import type { QueuedAct } from '../decisions/acts'
import type { Grid } from '../geometry/grid'
import { sliceOfFinding } from '../volume/series'

/** What stands between now and a signature. */
export interface Progress {
  readonly undecided: readonly Finding[]
  /** Undecided marks whose slice was never on screen in lung window: these cannot be dismissed. */
  readonly unseen: readonly Finding[]
  readonly questions: number
  readonly unsent: number
  /** Share of the slices not shown yet, percent; null while the series is not known. */
  readonly notShown: number | null
}

interface Now {
  readonly study: Study
  readonly findings: readonly Finding[]
  readonly queue: readonly QueuedAct[]
  readonly seen: ReadonlySet<number>
  readonly grid: Grid | null
}

export function progressOf({ study, findings, queue, seen, grid }: Now): Progress {
  const undecided = findings.filter(({ state }) => state === 'pending')
  const answered = new Set(
    queue.flatMap(({ act, studyUid, state }) =>
      act.kind === 'context' && studyUid === study.study_uid && state === 'waiting' ? Object.keys(act.body) : [],
    ),
  )
  return {
    undecided,
    unseen: grid ? undecided.filter((finding) => !seen.has(sliceOfFinding(grid, finding))) : undecided,
    questions: study.questions.filter(({ field }) => !answered.has(field)).length,
    unsent: queue.filter(({ studyUid }) => studyUid === study.study_uid).length,
    notShown: grid ? Math.ceil(100 - (100 * seen.size) / grid.size[2]) : null,
  }
}

/** Why signing is locked; null = it may be done. The order is that of what to mend first. */
export type Lock = 'forbidden' | 'signed' | 'running' | 'offline' | 'unsent' | 'unseen'

export function lockOf(progress: Progress, study: Study, maySign: boolean, online: boolean): Lock | null {
  const readable = study.state === 'ready' || study.state === 'in_review' || study.amending
  const rules: readonly (readonly [Lock, boolean])[] = [
    ['forbidden', !maySign],
    ['signed', study.state === 'signed' && !study.amending],
    ['running', !readable || study.provisional],
    ['offline', !online],
    ['unsent', progress.unsent > 0],
    ['unseen', progress.unseen.length > 0],
  ]
  return rules.find(([, locked]) => locked)?.[0] ?? null
}
