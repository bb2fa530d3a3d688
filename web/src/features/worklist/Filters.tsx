import { Kbd, TextInput, UnstyledButton } from '@mantine/core'
import { Search } from 'lucide-react'
import { useRef, type ReactNode } from 'react'
import type { WorklistCounts } from '../../api/types'
import type { Filter } from '../../api/worklist'
import { useKeys } from '../../lib/keys/useKeys'
import { words } from '../../words'
import styles from './Filters.module.css'

interface Props {
  readonly filter: Filter
  readonly onFilter: (filter: Filter) => void
  readonly query: string
  readonly onQuery: (query: string) => void
  readonly counts: WorklistCounts | undefined
  readonly children: ReactNode
}

const { worklist } = words
const names = Object.keys(worklist.filters) as Filter[]

/** Search and the filter pills with their counts; what stands at the end comes from the page. */
export function Filters({ filter, onFilter, query, onQuery, counts, children }: Props) {
  const input = useRef<HTMLInputElement>(null)
  useKeys({
    search: () => input.current?.focus(),
    back: () => {
      onQuery('')
      input.current?.blur()
    },
  })
  return (
    <div className={styles['row']}>
      <TextInput ref={input} className={styles['search'] ?? ''} value={query} placeholder={worklist.search}
        aria-label={worklist.search} leftSection={<Search size={14} aria-hidden />} rightSection={<Kbd>/</Kbd>}
        onChange={(event) => onQuery(event.currentTarget.value)} />
      <div className={styles['pills']} role="group" aria-label={worklist.columns.state}>
        {names.map((name) => (
          <UnstyledButton key={name} className={styles['pill'] ?? ''} aria-pressed={name === filter} data-filter={name}
            onClick={() => onFilter(name)}>
            {worklist.filters[name]} <span>{counts?.[name].toLocaleString('en-GB') ?? ''}</span>
          </UnstyledButton>
        ))}
      </div>
      <div className={styles['end']}>{children}</div>
    </div>
  )
}
