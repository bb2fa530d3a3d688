import { Button } from '@mantine/core'
import { Inbox } from 'lucide-react'
import type { Worklist } from '../../api/types'
import type { Filter } from '../../api/worklist'
import { Notice } from '../../components/Notice'
import { timeOf } from '../../lib/format'
import { words } from '../../words'
import styles from './Nothing.module.css'

const { empty, failed } = words.worklist

interface EmptyProps {
  readonly list: Worklist
  readonly query: string
  readonly onFilter: (filter: Filter) => void
  readonly onClear: () => void
}

/** An empty list says what was done last and what still comes; never just nothing. */
export function Empty({ list, query, onFilter, onClear }: EmptyProps) {
  return (
    <section className={styles['empty']}>
      <Inbox size={20} aria-hidden />
      <h2>{query ? empty.none : empty.title}</h2>
      <p>{list.last_signed_at ? empty.lastSigned(timeOf(list.last_signed_at)) : empty.neverSigned}</p>
      <p>{list.last_received_at ? empty.lastReceived(timeOf(list.last_received_at)) : empty.neverReceived}</p>
      <div className={styles['acts']}>
        {query && (
          <Button variant="default" onClick={onClear}>
            {empty.clear}
          </Button>
        )}
        <Button variant="default" onClick={() => onFilter('signed_today')}>
          {empty.showSigned}
        </Button>
        <Button variant="default" onClick={() => onFilter('all')}>
          {empty.showAll}
        </Button>
      </div>
    </section>
  )
}

/** The list did not come: cause, what is safe, what mends it. */
export function ListFailed({ cause, onRetry }: { cause: string; onRetry: () => void }) {
  return (
    <section className={styles['empty']}>
      <Notice kind="attention" title={failed.title}>
        <p>{cause}</p>
        <p>{failed.safe}</p>
      </Notice>
      <Button variant="default" onClick={onRetry}>
        {words.tryAgain}
      </Button>
    </section>
  )
}
