import { Circle, CircleCheck, CircleX } from 'lucide-react'
import type { Finding, RejectReason } from '../../api/types'
import { Facts } from '../../components/Facts'
import { KeyButton } from '../../components/KeyButton'
import { PlaneThumb } from '../../components/PlaneThumb'
import { useReading } from '../../lib/reading/store'
import type { SolidPart as SolidSize } from '../../lib/decisions/solidPart'
import { mm, volume } from '../../lib/format'
import { toVec3 } from '../../lib/geometry/vec'
import { words } from '../../words'
import { Badge } from './Badge'
import { noduleWords, placeName, sizeWord, stateWord } from './describe'
import { RejectReasons } from './RejectReasons'
import { SolidPart } from './SolidPart'
import { TypeChoice, type Solidity } from './TypeChoice'
import styles from './Card.module.css'

const { findings } = words
const planes = ['axial', 'coronal', 'sagittal'] as const
const thumbMm = 30
const thumbPx = 96

interface Props {
  readonly finding: Finding
  readonly mayDecide: boolean
  readonly notSent: boolean
  readonly onAccept: () => void
  readonly onReject: () => void
  readonly onReason: (reason: RejectReason) => void
  readonly onAxes: () => void
  readonly onType: (solidity: Solidity) => void
  readonly onSolid: (finding: Finding, size: SolidSize) => void
}

const icons = { pending: Circle, rejected: CircleX, dismissed: CircleX, withdrawn: CircleX } as const

function State({ finding, notSent }: Pick<Props, 'finding' | 'notSent'>) {
  const Icon = finding.state in icons ? icons[finding.state as keyof typeof icons] : CircleCheck
  return (
    <span className={styles['state']} data-state={finding.state} data-testid="active-state">
      <Icon size={12} aria-hidden />
      {stateWord(finding)}
      {notSent && ` · ${findings.notSent}`}
    </span>
  )
}

function VolumeOf({ finding }: Pick<Props, 'finding'>) {
  const interval = finding.volume_interval_mm3
  return (
    <>
      {volume(finding.volume_mm3)}
      {interval && <span className={styles['soft']}> {findings.interval(volume(interval[0]), volume(interval[1]))}</span>}
    </>
  )
}

function FactsOf({ finding, mayDecide, onType, onSolid }: Pick<Props, 'finding' | 'mayDecide' | 'onType' | 'onSolid'>) {
  const nodule = noduleWords(finding.probability)
  return (
    <Facts
      rows={[
        [findings.size, <span key="s" data-testid="active-size">
          <strong>{sizeWord(finding)}</strong>
          {finding.mean_mm !== null && `, ${findings.mean(mm(finding.mean_mm))}`}
        </span>],
        [findings.volume, finding.volume_mm3 === null ? null : <VolumeOf key="v" finding={finding} />],
        [findings.type, <TypeChoice key="t" finding={finding} mayDecide={mayDecide} onType={onType} />],
        [words.report.solid.label, finding.solidity === 'part_solid' ? (
          <SolidPart key="p" finding={finding} mayDecide={mayDecide} onSolid={onSolid} />
        ) : null],
        [findings.nodule, nodule && <span key="n">
          {nodule[0]} <span className={styles['soft']}>{nodule[1]}</span>
        </span>],
      ]}
    />
  )
}

/** The selected finding: what it is, where it is, and the three keys. The three look the same. */
export function Card({ finding, mayDecide, notSent, onAccept, onReject, onReason, onAxes, onType, onSolid }: Props) {
  const mode = useReading((reading) => reading.mode)
  return (
    <section className={styles['card']} aria-label={placeName(finding)} data-testid="card">
      <header className={styles['head']}>
        <Badge finding={finding} />
        <h3>{placeName(finding)}</h3>
        <State finding={finding} notSent={notSent} />
      </header>
      <div className={styles['thumbs']}>
        {planes.map((plane) => (
          <PlaneThumb key={plane} plane={plane} centre={toVec3(finding.center_lps_mm)} mm={thumbMm} px={thumbPx} label />
        ))}
      </div>
      <FactsOf finding={finding} mayDecide={mayDecide} onType={onType} onSolid={onSolid} />
      {mode === 'reject' ? (
        <RejectReasons onReason={onReason} />
      ) : (
        <div className={styles['acts']}>
          <KeyButton act="accept" disabled={!mayDecide} onClick={onAccept}>{findings.accept}</KeyButton>
          <KeyButton act="reject" disabled={!mayDecide} onClick={onReject}>{findings.reject}</KeyButton>
          <KeyButton act="axes" disabled={!mayDecide} onClick={onAxes}>{findings.axes}</KeyButton>
        </div>
      )}
    </section>
  )
}
