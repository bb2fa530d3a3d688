import type { Effect, HowMade } from '../../api/plan'
import { Facts } from '../../components/Facts'
import { duration } from '../../lib/duration'
import { timeOf } from '../../lib/format'
import { words } from '../../words'
import { effectNode, effectWords, peerOf } from './nodes'
import { Part, Recorded, SideHead } from './Parts'

const { side: say, at } = words.plan

/** Something that leaves the house: to whom, how far, and what was found there. */
export function EffectSide({ made, effect }: { readonly made: HowMade; readonly effect: Effect }) {
  const { title, state } = effectNode(effect, '')
  const note = effectWords(effect)
  const done = effect.done_at_s
  const wanted = made.plans.flatMap(({ nodes }) => nodes).find(({ tool }) => tool === effect.tool)
  const rows = [
    [say.peer, peerOf(effect)],
    [say.sentFor, wanted?.title ?? null],
    [say.tries, String(effect.attempts)],
    [say.lastError, effect.last_error || null],
    [say.tryAt, effect.next_at && timeOf(effect.next_at)],
  ] as const
  const receipt = Object.entries(effect.receipt).map(([name, value]) => [name.replaceAll('_', ' '), String(value)] as const)
  return (
    <>
      <SideHead title={title} state={state} words={done === null ? note : at(note, duration(done))} />
      <Facts rows={rows} />
      {receipt.length > 0 && (
        <Part title={say.receipt}>
          <Facts rows={receipt} />
        </Part>
      )}
      <p>{say.archiveRule}</p>
      <Recorded title={say.recorded} values={[[say.object, effect.what], [words.plan.deliver, effect.key]]} />
    </>
  )
}
