import { Skeleton } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useDeferredValue, useState } from 'react'
import { useMe } from '../../api/session'
import { studyQuery } from '../../api/study'
import { claimStudy, useWorklist, worklistKey, type Filter } from '../../api/worklist'
import { Empty, ListFailed } from '../../features/worklist/Nothing'
import { Filters } from '../../features/worklist/Filters'
import { SidePanel } from '../../features/worklist/SidePanel'
import { useRows } from '../../features/worklist/useRows'
import { WorklistTable } from '../../features/worklist/WorklistTable'
import { useKeys } from '../../lib/keys/useKeys'
import { words } from '../../words'
import { ListEnd } from './ListEnd'
import { MainBar } from './MainBar'
import styles from './WorklistPage.module.css'

const loadingRows = Array.from({ length: 12 }, (_, at) => at)

export function WorklistPage() {
  const [filter, setFilter] = useState<Filter>('open')
  const [query, setQuery] = useState('')
  const asked = useDeferredValue(query.trim())
  const { data: me } = useMe()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const list = useWorklist(filter, asked)
  const first = list.data?.pages[0]
  const rows = useRows(list.data?.pages.flatMap((page) => page.items) ?? [], `${filter} ${asked}`)
  const chosen = rows.selected

  const open = (studyUid: string) => {
    void queries.prefetchQuery(studyQuery(studyUid))
    void navigate({ to: '/study/$studyUid', params: { studyUid } })
  }
  const claim = async () => {
    if (!chosen) return
    await claimStudy(chosen.study_uid, chosen.reader !== null).catch(() => undefined)
    await queries.invalidateQueries({ queryKey: worklistKey })
  }
  useKeys({
    rowUp: () => rows.move(-1),
    rowDown: () => rows.move(1),
    open: () => chosen && open(chosen.study_uid),
    claim: () => void claim(),
  })

  return (
    <div className={styles['page']}>
      <MainBar />
      <Filters filter={filter} onFilter={setFilter} query={query} onQuery={setQuery} counts={first?.counts}>
        <ListEnd list={first} waiting={rows.waiting} onTake={rows.takeOrder} />
      </Filters>
      <main className={styles['main']}>
        {list.isPending && (
          <div className={styles['loading']} aria-busy="true" aria-label={words.loading}>
            {loadingRows.map((at) => (
              <Skeleton key={at} height={22} animate={false} />
            ))}
          </div>
        )}
        {list.isError && !first && <ListFailed cause={list.error.message} onRetry={() => void list.refetch()} />}
        {first && rows.rows.length === 0 && (
          <Empty list={first} query={asked} onFilter={setFilter} onClear={() => setQuery('')} />
        )}
        {first && rows.rows.length > 0 && (
          <WorklistTable rows={rows.rows} selected={chosen?.study_uid ?? null} maxWait={first.max_wait_s}
            total={first.total} onSelect={rows.select} onOpen={open}
            onMore={list.hasNextPage ? () => void list.fetchNextPage() : null} />
        )}
        {first && chosen && (
          <SidePanel item={chosen} first={chosen === rows.rows[0]} maxWait={first.max_wait_s} me={me?.name ?? ''}
            mayClaim={me?.permissions.includes('claim') ?? false} maySeePlan={me?.permissions.includes('see_plan') ?? false} onOpen={() => open(chosen.study_uid)}
            onClaim={() => void claim()} />
        )}
      </main>
    </div>
  )
}
