import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import type { Finding } from '../../api/types'
import { PlaneThumb } from '../../components/PlaneThumb'
import { toVec3 } from '../../lib/geometry/vec'
import { hover } from '../../lib/reading/store'
import { words } from '../../words'
import { Badge } from './Badge'
import { noduleWords, placeName, sizeWord, stateWord, typeWord } from './describe'
import styles from './List.module.css'

interface Props {
  readonly findings: readonly Finding[]
  readonly selected: string | null
  readonly notSent: ReadonlySet<string>
  readonly onSelect: (finding: Finding) => void
}

const rowHeight = 64
const planes = ['axial', 'coronal', 'sagittal'] as const
const thumbMm = 24
const thumbPx = 44

function Row({ finding, notSent }: { readonly finding: Finding; readonly notSent: boolean }) {
  const nodule = noduleWords(finding.probability)
  const decided = finding.state !== 'pending'
  return (
    <>
      <Badge finding={finding} />
      <span className={styles['thumbs']}>
        {planes.map((plane) => (
          <PlaneThumb key={plane} plane={plane} centre={toVec3(finding.center_lps_mm)} mm={thumbMm} px={thumbPx} />
        ))}
      </span>
      <span className={styles['words']}>
        <span className={styles['place']}>{placeName(finding)}</span>
        <span className={styles['size']}>
          {sizeWord(finding)} {finding.solidity && !decided && <span>{typeWord(finding.solidity).toLowerCase()}</span>}
        </span>
        <span className={styles['last']} data-state={finding.state}>
          {decided ? stateWord(finding) : nodule?.join(' ')}
          {notSent && ` · ${words.findings.notSent}`}
        </span>
      </span>
    </>
  )
}

/** The other findings by score; one tab stop, N and P move. Drawn only where seen. */
export function List({ findings, selected, notSent, onSelect }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: findings.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 4,
  })
  return (
    <div className={styles['scroller']} ref={scroller} data-testid="list" role="listbox" tabIndex={0}
      aria-label={words.findings.title}>
      <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const finding = findings[index] as Finding
          return (
            // Keys are those of the page; the list holds the one tab stop.
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
            <div key={finding.finding_id} role="option" aria-selected={finding.finding_id === selected}
              id={`finding-${finding.finding_id}`} className={styles['row']} style={{ transform: `translateY(${start}px)` }}
              onClick={() => onSelect(finding)} onPointerEnter={() => hover(finding.finding_id)}
              onPointerLeave={() => hover(null)} data-testid={`row-${finding.number}`} data-state={finding.state}>
              <Row finding={finding} notSent={notSent.has(finding.finding_id)} />
            </div>
          )
        })}
      </div>
    </div>
  )
}
