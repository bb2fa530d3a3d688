import { Check, Circle, LoaderCircle, Pause, X } from 'lucide-react'
import { verdictOf, type Round } from '../../api/learning'
import { words } from '../../words'
import styles from './Learning.module.css'

const looks = {
  promote: { icon: Check, signal: 'done' },
  refuse: { icon: X, signal: 'attention' },
  not_enough_evidence: { icon: Circle, signal: undefined },
  waiting: { icon: Pause, signal: 'attention' },
  moving: { icon: LoaderCircle, signal: undefined },
} as const

/** A verdict, or what the round is doing, as a shape and a word. */
export function VerdictWord({ round }: { readonly round: Round }) {
  const said = verdictOf(round)?.verdict ?? null
  const { icon: Icon, signal } = looks[said ?? (round.state === 'waiting' ? 'waiting' : 'moving')]
  const text = said ? words.learning.verdict[said] : words.learning.state[round.state]
  return (
    <span className={styles['verdict']} data-signal={signal} data-verdict={said ?? round.state}>
      <Icon size={14} aria-hidden />
      {text}
    </span>
  )
}
