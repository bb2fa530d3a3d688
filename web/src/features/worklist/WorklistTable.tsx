import { Button } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { WorklistItem } from '../../api/types'
import { words } from '../../words'
import { columns } from './columns'
import { isReady } from './order'
import styles from './Table.module.css'

interface Props {
  readonly rows: readonly WorklistItem[]
  readonly selected: string | null
  readonly maxWait: number
  readonly total: number
  readonly onSelect: (uid: string) => void
  readonly onOpen: (uid: string) => void
  readonly onMore: (() => void) | null
}

type Line = { readonly kind: 'row'; readonly item: WorklistItem } | { readonly kind: 'group'; readonly count: number }

const rowHeight = 38
const groupHeight = 28
const lateShare = 0.9
export const rowId = (uid: string) => `study-${uid}`

function linesOf(rows: readonly WorklistItem[]): Line[] {
  const waiting = rows.filter((item) => !isReady(item)).length
  return rows.flatMap((item, at): Line[] => {
    const row: Line = { kind: 'row', item }
    const startsGroup = !isReady(item) && (at === 0 || isReady(rows[at - 1] as WorklistItem))
    return startsGroup ? [{ kind: 'group', count: waiting }, row] : [row]
  })
}

function Row({ item, selected, maxWait, onSelect, onOpen }: Omit<Props, 'rows' | 'total' | 'onMore' | 'selected'> & {
  readonly item: WorklistItem
  readonly selected: boolean
}) {
  const late = item.wait_s !== null && item.wait_s >= maxWait * lateShare
  return (
    // Keys are those of the page; the selected row is the table's one tab stop.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      id={rowId(item.study_uid)}
      tabIndex={selected ? 0 : -1}
      className={styles['row']}
      aria-selected={selected}
      data-priority={item.priority}
      data-late={late || undefined}
      onClick={() => onSelect(item.study_uid)}
      onDoubleClick={() => onOpen(item.study_uid)}
    >
      {columns.map(({ id, render }) => (
        <div key={id} role="gridcell" className={styles['cell']} data-column={id}>
          {render(item)}
        </div>
      ))}
    </div>
  )
}

/** The table of look.md section 3, rows drawn only where they are seen. */
export function WorklistTable({ rows, selected, maxWait, total, onSelect, onOpen, onMore }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const lines = linesOf(rows)
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => (lines[at]?.kind === 'group' ? groupHeight : rowHeight),
    overscan: 10,
  })
  const at = lines.findIndex((line) => line.kind === 'row' && line.item.study_uid === selected)
  useEffect(() => {
    if (at < 0 || !selected) return
    virtual.scrollToIndex(at, { align: 'auto' })
    // Focus stays with the selection, once a row has it.
    if (document.activeElement?.getAttribute('role') === 'row') document.getElementById(rowId(selected))?.focus()
  }, [at, selected, virtual])
  return (
    <div role="grid" className={styles['grid']} aria-label={words.worklist.title} aria-rowcount={total}>
      <div role="row" className={styles['head']}>
        {columns.map(({ id, header }) => (
          <div key={id} role="columnheader" className={styles['cell']} data-column={id}>
            {header}
          </div>
        ))}
      </div>
      <div role="rowgroup" className={styles['body']} ref={scroller}>
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const line = lines[index] as Line
            return (
              <div key={key} role="presentation" style={{ position: 'absolute', inset: '0 0 auto 0', transform: `translateY(${start}px)` }}>
                {line.kind === 'group' ? (
                  <div role="row" className={styles['group']}>
                    <div role="gridcell">
                      {words.worklist.filters.not_ready} <span className={styles['count']}>{line.count}</span>
                    </div>
                  </div>
                ) : (
                  <Row item={line.item} selected={line.item.study_uid === selected} {...{ maxWait, onSelect, onOpen }} />
                )}
              </div>
            )
          })}
        </div>
      </div>
      {onMore && (
        <div className={styles['more']}>
          {words.worklist.more(rows.length, total)}
          <Button variant="default" onClick={onMore}>
            {words.worklist.loadMore}
          </Button>
        </div>
      )}
    </div>
  )
}
