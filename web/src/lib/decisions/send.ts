import type { QueryClient } from '@tanstack/react-query'
import { Refused, Unreachable } from '../../api/problem'
import { postDecision, postFinding, putContext, putContextInCache, putFindingInCache, studyKey } from '../../api/study'
import { meKey } from '../../api/session'
import type { Context, Finding } from '../../api/types'
import { renameSelected } from '../reading/store'
import { nextToSend, type QueuedAct } from './acts'
import { markAct, settleAct, useDecisions, useSending } from './queue'

const firstPauseMs = 1000
const longestPauseMs = 30_000

/** What the server answered to an act: the finding, or the context of the examination. */
type Answer = { readonly finding: Finding } | { readonly finding: null; readonly context: Context }
const onFinding = (finding: Finding): Answer => ({ finding })

const post: {
  [Kind in QueuedAct['act']['kind']]: (
    queued: QueuedAct,
    act: Extract<QueuedAct['act'], { kind: Kind }>,
  ) => Promise<Answer>
} = {
  decide: ({ key, baseVersion }, { findingId, body }) =>
    postDecision(findingId, { ...body, base_version: baseVersion }, key).then(onFinding),
  add: ({ key, studyUid }, { body }) => postFinding(studyUid, body, key).then(onFinding),
  context: ({ studyUid }, { body }) => putContext(studyUid, body).then((context) => ({ finding: null, context })),
}

const send = (queued: QueuedAct): Promise<Answer> =>
  post[queued.act.kind](queued, queued.act as never)

/** Sends the queue in order, one act at a time, until it is empty; starts again by itself. */
export class Sender {
  private timer: ReturnType<typeof setTimeout> | undefined
  private pauseMs = firstPauseMs
  private busy = false
  private stopped = false

  constructor(
    private readonly queries: QueryClient,
    private readonly user: string,
  ) {}

  start(): () => void {
    const wake = () => this.wake()
    const unsubscribe = useDecisions.subscribe(wake)
    globalThis.addEventListener('online', wake)
    wake()
    return () => {
      this.stopped = true
      clearTimeout(this.timer)
      unsubscribe()
      globalThis.removeEventListener('online', wake)
    }
  }

  /** Tries now, also in the middle of a pause. */
  wake(): void {
    clearTimeout(this.timer)
    if (!this.busy) void this.run()
  }

  private async run(): Promise<void> {
    this.busy = true
    useSending.setState({ sending: true })
    for (;;) {
      const queued = this.stopped ? null : nextToSend(useDecisions.getState().queue, this.user)
      if (!queued || !(await this.sendOne(queued))) break
    }
    this.busy = false
    useSending.setState({ sending: false })
  }

  /** True when the next act may follow at once. */
  private async sendOne(queued: QueuedAct): Promise<boolean> {
    try {
      this.taken(queued, await send(queued))
      return true
    } catch (fault) {
      if (fault instanceof Refused) return this.refused(queued, fault)
      if (fault instanceof Unreachable) this.later()
      else throw fault
      return false
    }
  }

  private taken(queued: QueuedAct, answer: Answer): void {
    this.pauseMs = firstPauseMs
    const { finding } = answer
    if (finding === null) putContextInCache(this.queries, queued.studyUid, answer.context)
    else {
      putFindingInCache(this.queries, finding)
      if (queued.act.kind === 'add') renameSelected(queued.act.findingId, finding.finding_id)
    }
    useSending.setState({ savedAt: new Date(), offlineSince: null })
    settleAct(queued.key, finding)
    void this.queries.invalidateQueries({ queryKey: studyKey(queued.studyUid) })
  }

  private refused(queued: QueuedAct, { problem }: Refused): boolean {
    useSending.setState({ offlineSince: null })
    if (problem.status === 401) {
      void this.queries.invalidateQueries({ queryKey: meKey })
      return false
    }
    if (problem.status === 429 || problem.status === 408) {
      this.later()
      return false
    }
    const current = problem.current ?? null
    if (problem.code === 'nothing_to_do') {
      // The finding is so already: what the reader wanted stands.
      settleAct(queued.key, current)
      if (current) putFindingInCache(this.queries, current)
      return true
    }
    if (current) putFindingInCache(this.queries, current)
    markAct(queued.key, {
      state: problem.status === 409 && current ? 'conflict' : 'refused',
      current,
      problem: problem.detail || problem.title,
    })
    return true
  }

  private later(): void {
    useSending.setState(({ offlineSince }) => ({ offlineSince: offlineSince ?? new Date() }))
    this.timer = setTimeout(() => this.wake(), this.pauseMs)
    this.pauseMs = Math.min(longestPauseMs, this.pauseMs * 2)
  }
}
