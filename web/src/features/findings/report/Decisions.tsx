import { UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef } from 'react'
import type { Finding } from '../../../api/types'
import { PlaneThumb } from '../../../components/PlaneThumb'
import type { SolidPart as Size } from '../../../lib/decisions/solidPart'
import { toVec3 } from '../../../lib/geometry/vec'
import { useReading } from '../../../lib/reading/store'
import { words } from '../../../words'
import { Badge } from '../Badge'
import { placeName, sizeWord, stateWord, typeWord } from '../describe'
import { SolidPart } from '../SolidPart'
import styles from './Decisions.module.css'

const { report, findings: said } = words
const rowHeight = 53
const thumbMm = 24
const thumbPx = 44

interface Props {
  readonly findings: readonly Finding[]
  readonly unseen: readonly Finding[]
  readonly notSent: ReadonlySet<string>
  readonly mayDecide: boolean
  readonly onSelect: (finding: Finding) => void
  readonly onSolid: (finding: Finding, size: Size) => void
}

/** What will stand in the report; an undecided mark is closed by signing, once it was seen. */
export function outcome(finding: Finding, unseen: readonly Finding[]): string {
  if (finding.state !== 'pending') return stateWord(finding)
  return unseen.includes(finding) ? said.sign.notSeen : (said.states['dismissed'] ?? '')
}

function Row({ finding, unseen, notSent, mayDecide, onSelect, onSolid, selected }: Omit<Props, 'findings'> & {
  readonly finding: Finding
  readonly selected: boolean
}) {
  return (
    <div className={styles['row']} data-selected={selected || undefined}>
      <UnstyledButton className={styles['pick'] ?? ''} aria-current={selected} data-anchor={`finding-${finding.finding_id}`}
        onClick={() => onSelect(finding)}>
        <Badge finding={finding} />
        <PlaneThumb plane="axial" centre={toVec3(finding.center_lps_mm)} mm={thumbMm} px={thumbPx} />
        <span className={styles['words']}>
          <span>{placeName(finding)}</span>
          <span className={styles['small']}>
            {sizeWord(finding)}
            {finding.solidity && `, ${typeWord(finding.solidity).toLowerCase()}`}
          </span>
        </span>
        <span className={styles['state']} data-state={finding.state}>
          {outcome(finding, unseen)}
          {notSent.has(finding.finding_id) && ` · ${said.notSent}`}
        </span>
      </UnstyledButton>
      {finding.solidity === 'part_solid' && (
        <span className={styles['solid']}>
          {report.solid.label} <SolidPart finding={finding} mayDecide={mayDecide} onSolid={onSolid} />
        </span>
      )}
    </div>
  )
}

/** Every mark with what becomes of it. A click shows it in three planes; drawn only where seen. */
export function Decisions({ findings, ...rest }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const selected = useReading((reading) => reading.selected)
  const jumps = useReading((reading) => reading.jumps)
  const virtual = useVirtualizer({
    count: findings.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => findings[index]?.finding_id ?? index,
    overscan: 4,
  })
  const at = findings.findIndex(({ finding_id }) => finding_id === selected)
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at)
  }, [at, jumps, virtual])
  return (
    <section className={styles['decisions']} aria-label={report.decisions} data-testid="decisions">
      <h3>{report.decisions}</h3>
      {findings.length === 0 && <p className={styles['small']}>{report.noDecisions}</p>}
      <div className={styles['scroller']} ref={scroller}>
        <ul style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {virtual.getVirtualItems().map(({ index, start, key }) => {
            const finding = findings[index] as Finding
            return (
              <li key={key} ref={virtual.measureElement} data-index={index} className={styles['item']}
                style={{ transform: `translateY(${start}px)` }} data-testid={`decision-${finding.number}`}>
                <Row finding={finding} selected={index === at} {...rest} />
              </li>
            )
          })}
        </ul>
      </div>
    </section>
  )
}
