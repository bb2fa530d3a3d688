import { Check, Lock } from 'lucide-react'
import type { Context, ContextIn, Finding, Study } from '../../api/types'
import { Key } from '../../components/Key'
import { KeyButton } from '../../components/KeyButton'
import { Notice } from '../../components/Notice'
import type { Lock as LockName, Progress } from '../../lib/reading/progress'
import { words } from '../../words'
import { Assessment } from './Assessment'
import { Badge } from './Badge'
import { placeName, sizeWord, stateWord } from './describe'
import { Questions } from './Questions'
import { resultLine } from './resultWords'
import styles from './Panel.module.css'

const { sign, states } = words.findings

interface Props {
  readonly study: Study
  readonly findings: readonly Finding[]
  readonly context: Context
  readonly progress: Progress
  readonly lock: LockName | null
  readonly problem: string | null
  readonly signing: boolean
  readonly hasNext: boolean
  readonly me: string
  readonly onAnswer: (answer: ContextIn) => void
  readonly onSign: () => void
  readonly onBack: () => void
}

/** What will stand in the report; an undecided mark is closed by signing, once it was seen. */
function outcome(finding: Finding, unseen: readonly Finding[]): string {
  if (finding.state !== 'pending') return stateWord(finding)
  return unseen.includes(finding) ? sign.notSeen : (states['dismissed'] ?? '')
}

function Decisions({ findings, unseen }: { readonly findings: readonly Finding[]; readonly unseen: readonly Finding[] }) {
  return (
    <section>
      <h3>{sign.decisions}</h3>
      <ul>
        {findings.map((finding) => (
          <li key={finding.finding_id} className={styles['decision']}>
            <Badge finding={finding} />
            <span>
              {placeName(finding)}
              <br />
              <span className={styles['small']}>{sizeWord(finding)}</span>
            </span>
            <span>{outcome(finding, unseen)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** The step before a signature: result, context, decisions, what signing closes, and why it is locked. */
export function SignPanel(props: Props) {
  const { study, findings, context, progress, lock, problem, signing, hasNext, me, onAnswer, onSign, onBack } = props
  const { undecided, unseen, questions } = progress
  return (
    <>
      <div className={styles['head']}>
        <h2>{sign.title}</h2>
        <span className={styles['aside']}>{questions > 0 ? sign.open(questions) : sign.all}</span>
      </div>
      <div className={styles['body']} data-testid="sign-panel">
        <p>{resultLine(study)}</p>
        <section>
          <h3>{sign.context}</h3>
          <Questions context={context} questions={study.questions} disabled={false} onAnswer={onAnswer} />
        </section>
        <Assessment assessment={study.assessment} />
        <Decisions findings={findings} unseen={unseen} />
      </div>
      <div className={styles['foot']}>
        {undecided.length > 0 && (
          <Notice kind="attention" title={(unseen.length > 0 ? sign.notDecided : sign.seenNotDecided)(undecided.length)}>
            {unseen.length > 0 ? sign.unseen(unseen.map(({ number }) => number)) : sign.dismissNotice(undecided.length)}
          </Notice>
        )}
        {undecided.length === 0 && progress.unsent === 0 && (
          <Notice kind="done" title={sign.savedAll} icon={<Check size={14} />} />
        )}
        {problem && <Notice kind="attention" title={sign.conflict}>{problem}</Notice>}
        <div className={styles['buttons']}>
          <KeyButton act="sign" main disabled={lock !== null} loading={signing} onClick={onSign}>
            {hasNext ? sign.button : sign.buttonLast}
          </KeyButton>
          <KeyButton act="back" onClick={onBack}>{words.back}</KeyButton>
        </div>
        <p className={styles['small']} data-testid="lock">
          {lock && <Lock size={12} aria-hidden />} {lock ? sign.locked[lock] : sign.as(me)}
        </p>
        {questions > 0 && <p className={styles['small']}>{sign.answer}</p>}
      </div>
    </>
  )
}

/** The five keys at the foot of the panel. */
export function Hints() {
  const { hints } = words.findings
  return (
    <footer className={styles['hints']}>
      <span><Key act="next" /><Key act="previous" /> {hints.step}</span>
      <span><Key act="add" /> {hints.add}</span>
      <span><Key act="undo" /> {hints.undo}</span>
      <span><Key act="sign" /> {hints.sign}</span>
      <span><Key act="help" /> {hints.keys}</span>
    </footer>
  )
}
