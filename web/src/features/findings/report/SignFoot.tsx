import { Button } from '@mantine/core'
import { Check, Lock } from 'lucide-react'
import type { Finding, Study } from '../../../api/types'
import { KeyButton } from '../../../components/KeyButton'
import { Notice } from '../../../components/Notice'
import type { Lock as LockName, Progress } from '../../../lib/reading/progress'
import { toRanges } from '../../../lib/reading/seen'
import { words } from '../../../words'
import styles from './ReportPage.module.css'

const { report, findings: said } = words
const { sign, before } = said

export interface Signing {
  readonly lock: LockName | null
  readonly problem: string | null
  readonly busy: boolean
  /** Name of the next study's patient; null when this is the last. */
  readonly next: string | null
  readonly me: string
  readonly onSign: () => void
  readonly onBack: () => void
  /** Leaves for the reading page, at a finding. */
  readonly onLook: (finding: Finding) => void
}

interface Props extends Signing {
  readonly study: Study
  readonly progress: Progress
}

/** Marks nobody decided: signing closes those that were seen; those that were not lock it. */
function Undecided({ progress: { undecided, unseen }, onLook }: Pick<Props, 'progress' | 'onLook'>) {
  const [first] = unseen
  return (
    <Notice kind="attention" title={(first ? sign.notDecided : sign.seenNotDecided)(undecided.length)}>
      <p>{first ? sign.unseen(toRanges(new Set(unseen.map(({ number }) => number)))) : sign.dismissNotice(undecided.length)}</p>
      {first && (
        <Button variant="default" className={styles['look'] ?? ''} onClick={() => onLook(first)}>
          {report.look(first.number)}
        </Button>
      )}
    </Notice>
  )
}

/** What became of the report that was signed last: "sent" only after the archive was asked. */
function Delivery({ study }: Pick<Props, 'study'>) {
  const last = study.outputs.findLast(({ status }) => status === 'final')
  if (!study.signed_at || study.amending || !last) return null
  const failed = last.delivery === 'failed' && last.last_error
  return (
    <p className={styles['small']} data-testid="delivery">
      {report.delivery[last.delivery]} {failed}
    </p>
  )
}

/** Notices, the signature and the way back; always in sight. */
export function SignFoot({ study, progress, lock, problem, busy, next, me, onSign, onBack, onLook }: Props) {
  const { undecided, questions, unsent, notShown } = progress
  return (
    <div className={styles['foot']}>
      <div className={styles['notices']}>
        {undecided.length > 0 && lock !== 'signed' && <Undecided progress={progress} onLook={onLook} />}
        {undecided.length === 0 && unsent === 0 && (
          <Notice kind="done" icon={<Check size={14} />} title={notShown === 0 ? `${before.looked}. ${sign.savedAll}` : sign.savedAll} />
        )}
        {problem && <Notice kind="attention" title={sign.conflict}>{problem}</Notice>}
      </div>
      <div className={styles['buttons']}>
        <KeyButton act="sign" main disabled={lock !== null} loading={busy} onClick={onSign}>
          {next === null ? sign.buttonLast : sign.button}
        </KeyButton>
        <KeyButton act="back" onClick={onBack}>{words.back}</KeyButton>
      </div>
      <p className={styles['small']} data-testid="lock">
        {lock && <Lock size={12} aria-hidden />} {lock ? sign.locked[lock] : sign.as(me)}
      </p>
      <Delivery study={study} />
      {lock === null && <p className={styles['small']}>{report.sendsTo} {next !== null && <>{report.nextStudy} <bdi>{next}</bdi></>}</p>}
      {lock === null && questions > 0 && <p className={styles['small']}>{sign.answer}</p>}
    </div>
  )
}
