import { dropAct, enqueue, markAct, useDecisions } from '../../lib/decisions/queue'
import type { QueuedAct } from '../../lib/decisions/acts'
import { ConflictNotice, RefusedNotice } from './Notices'

const again = (queued: QueuedAct, change: Partial<QueuedAct> = {}): QueuedAct => ({
  ...queued,
  key: crypto.randomUUID(),
  baseVersion: queued.current?.version ?? queued.baseVersion,
  state: 'waiting',
  current: null,
  problem: null,
  ...change,
})

function keepMine(queued: QueuedAct): void {
  dropAct(queued.key)
  enqueue(again(queued))
}

/** Neither decision stands: the finding is undecided again, for another reader. */
function leaveUndecided(queued: QueuedAct): void {
  dropAct(queued.key)
  if (queued.act.kind !== 'decide' || !queued.current) return
  const { findingId } = queued.act
  if (queued.current.state === 'pending') return
  enqueue(
    again(queued, {
      act: { kind: 'decide', findingId, body: { decision: 'reopen' } },
      shown: { ...queued.current, state: 'pending', reject_reason: null },
      at: new Date().toISOString(),
    }),
  )
}

/** Acts of this study that hang: conflicts and refusals, each with its ways on. */
export function QueueNotices({ studyUid }: { readonly studyUid: string }) {
  const queue = useDecisions((decisions) => decisions.queue)
  return queue
    .filter((queued) => queued.studyUid === studyUid && queued.state !== 'waiting')
    .map((queued) =>
      queued.state === 'conflict' ? (
        <ConflictNotice key={queued.key} queued={queued} onKeep={() => keepMine(queued)}
          onTheirs={() => dropAct(queued.key)} onThird={() => leaveUndecided(queued)} />
      ) : (
        <RefusedNotice key={queued.key} queued={queued} onDrop={() => dropAct(queued.key)}
          onAgain={() => markAct(queued.key, { state: 'waiting', problem: null })} />
      ),
    )
}
