import type { ReactNode } from 'react'
import type { Finding, RejectReason, Study } from '../../api/types'
import { Key } from '../../components/Key'
import type { SolidPart } from '../../lib/decisions/solidPart'
import { useReading } from '../../lib/reading/store'
import type { Progress } from '../../lib/reading/progress'
import { words } from '../../words'
import { BeforeSigning } from './BeforeSigning'
import { Card } from './Card'
import { Hints } from './Hints'
import { List } from './List'
import { ResultNotice } from './Notices'
import type { Solidity } from './TypeChoice'
import styles from './Panel.module.css'

interface Props {
  readonly study: Study
  readonly findings: readonly Finding[]
  readonly progress: Progress
  readonly notSent: ReadonlySet<string>
  readonly mayDecide: boolean
  readonly notices: ReactNode
  readonly onSelect: (finding: Finding) => void
  readonly onAccept: () => void
  readonly onReject: () => void
  readonly onReason: (reason: RejectReason) => void
  readonly onAxes: () => void
  readonly onType: (solidity: Solidity) => void
  readonly onSolid: (finding: Finding, size: SolidPart) => void
}

/** Findings beside the images: the selected one as a card, the others as rows by score. */
export function FindingsPanel(props: Props) {
  const { study, findings, progress, notSent, mayDecide, notices, onSelect, ...acts } = props
  const selected = useReading((reading) => reading.selected)
  const active = findings.find((finding) => finding.finding_id === selected)
  const others = findings.filter((finding) => finding !== active && finding.state !== 'withdrawn')
  return (
    <>
      <div className={styles['head']}>
        <h2>
          {words.findings.title} <span>{findings.length}</span>
        </h2>
        <span className={styles['aside']}>
          {words.viewer.hide} <Key act="hide" />
        </span>
      </div>
      <div className={styles['notices']}>
        {notices}
        <ResultNotice study={study} />
      </div>
      {active && <Card finding={active} mayDecide={mayDecide} notSent={notSent.has(active.finding_id)} {...acts} />}
      <List findings={others} selected={selected} notSent={notSent} onSelect={onSelect} />
      <BeforeSigning study={study} progress={progress} />
      <Hints />
    </>
  )
}
