import { Check, Plus, Pencil, X, type LucideIcon } from 'lucide-react'
import type { Queue, QueueItem } from '../../api/learning'
import { words } from '../../words'
import styles from './Learning.module.css'

const latest = 12
const icons: Readonly<Record<string, LucideIcon>> = { confirmed: Check, corrected: Pencil, added: Plus, rejected: X }

function Item({ item }: { readonly item: QueueItem }) {
  const Icon = icons[item.said] ?? Check
  const reason = item.reason ? `: ${item.reason.replaceAll('_', ' ')}` : ''
  return (
    <li className={styles['item']}>
      <Icon size={14} aria-hidden />
      <span>
        {words.learning.said[item.said] ?? item.said}
        {reason}
        {item.population === 'phantom' && <em className={styles['tag']}>{words.learning.phantom}</em>}
      </span>
      <span className={styles['quiet']}>{item.why || item.reader}</span>
    </li>
  )
}

/** What readers signed and what became of it. */
export function QueuePart({ queue }: { readonly queue: Queue }) {
  const { learning } = words
  const counts: readonly (readonly [string, number])[] = [
    [learning.queued, queue.counts['queued'] ?? 0],
    [learning.used, queue.counts['used'] ?? 0],
    [learning.refused, queue.counts['refused'] ?? 0],
    [learning.unlabelled, queue.unlabelled],
  ]
  return (
    <section className={styles['queue']} aria-labelledby="queue">
      <h2 id="queue" className={styles['head']}>
        {learning.queue} <span className={styles['quiet']}>{learning.signedDecisions}</span>
      </h2>
      <dl className={styles['counts']}>
        {counts.map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      <h3 className={styles['head']}>{learning.latest}</h3>
      {queue.items.length === 0 && <p className={styles['quiet']}>{learning.emptyQueue}</p>}
      <ul className={styles['list']}>
        {queue.items.slice(0, latest).map((item) => (
          <Item key={`${item.item}${item.number}`} item={item} />
        ))}
      </ul>
    </section>
  )
}
