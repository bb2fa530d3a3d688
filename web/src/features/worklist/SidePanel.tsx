import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { WorklistItem } from '../../api/types'
import { KeyButton } from '../../components/KeyButton'
import { dicomDate, dicomTime, personName, sexAge, wait } from '../../lib/format'
import { words } from '../../words'
import { KeyImage } from './KeyImage'
import { isReady } from './order'
import styles from './SidePanel.module.css'

const { side } = words.worklist

interface Props {
  readonly item: WorklistItem
  readonly first: boolean
  readonly maxWait: number
  readonly mayClaim: boolean
  readonly maySeePlan: boolean
  readonly me: string
  readonly onOpen: () => void
  readonly onClaim: () => void
}

/** The result in words: "nothing found" is said only of a whole lung that was assessed. */
export function resultWords({ result_status, findings }: Pick<WorklistItem, 'result_status' | 'findings'>): string {
  if (result_status === null) return side.notYet
  if (result_status === 'not_assessed') return `${side.not}. ${side.readWithout}`
  const count = findings === 0 && result_status === 'assessed' ? side.noneFound : side.findings(findings ?? 0)
  return `${result_status === 'assessed' ? side.assessed : side.partly}, ${count}`
}

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className={styles['part']}>
    <h2>{title}</h2>
    {children}
  </section>
)

function Who({ item }: { item: WorklistItem }) {
  return (
    <div>
      <h2 className={styles['who']}>
        <bdi>{personName(item.patient_name)}</bdi>
        <span>{sexAge(item.patient_sex, item.patient_age)}</span>
      </h2>
      <p className={styles['small']}>
        {item.description || words.unknown} · {dicomDate(item.study_date)} {dicomTime(item.study_time)}
      </p>
      <p className={styles['small']}>
        {item.patient_id} · {side.accession} {item.accession || words.absent}
      </p>
    </div>
  )
}

/** The selected study: key image, why it stands where it stands, what was looked at, what to do. */
export function SidePanel({ item, first, maxWait, mayClaim, maySeePlan, me, onOpen, onClaim }: Props) {
  const taken = item.reader !== null && item.reader !== me
  return (
    <aside className={styles['panel']} aria-label={personName(item.patient_name)}>
      <KeyImage item={item} />
      <Who item={item} />
      <Part title={first ? side.first : side.why}>
        <ol className={styles['list']}>
          <li>{item.why}</li>
          {item.wait_s !== null && isReady(item) && <li>{side.waiting(wait(item.wait_s), wait(maxWait))}</li>}
        </ol>
        <p className={styles['small']}>{side.order}</p>
      </Part>
      <Part title={side.result}>
        <p>
          {resultWords(item)}
          {item.provisional && <span className={styles['small']}> · {side.provisional}</span>}
        </p>
        <p className={styles['small']}>
          {side.images(item.instances)}
          {maySeePlan && (
            <>
              {' · '}
              <Link to="/study/$studyUid/plan" params={{ studyUid: item.study_uid }} state={{ from: 'worklist' }}>
                {words.plan.link}
              </Link>
            </>
          )}
        </p>
      </Part>
      <div className={styles['acts']}>
        <KeyButton act="open" main onClick={onOpen}>
          {side.open}
        </KeyButton>
        <KeyButton act="claim" onClick={onClaim} disabled={!mayClaim || !isReady(item) || item.reader === me}>
          {taken ? side.takeOver : side.claim}
        </KeyButton>
      </div>
      {item.reader && <p className={styles['small']}>{side.claimed(item.reader)}</p>}
      {item.questions > 0 && isReady(item) && (
        <section className={styles['questions']}>
          <h2>{side.questions(item.questions)}</h2>
          <p className={styles['small']}>{side.answerInViewer}</p>
        </section>
      )}
    </aside>
  )
}
