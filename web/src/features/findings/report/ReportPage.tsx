import { useEffect, useState, type ReactNode } from 'react'
import type { ReportSource } from '../../../api/report'
import type { Context, ContextIn, Finding, Study } from '../../../api/types'
import type { SolidPart } from '../../../lib/decisions/solidPart'
import type { Progress } from '../../../lib/reading/progress'
import { words } from '../../../words'
import { ResultNotice } from '../Notices'
import { Questions } from '../Questions'
import { resultLine } from '../resultWords'
import { AssessmentBox } from './AssessmentBox'
import { Decisions } from './Decisions'
import { ReportText } from './ReportText'
import { SignFoot, type Signing } from './SignFoot'
import { anchorOf, goTo } from './sources'
import styles from './ReportPage.module.css'

const { sign } = words.findings

interface Props extends Signing {
  readonly study: Study
  readonly findings: readonly Finding[]
  readonly context: Context
  readonly progress: Progress
  readonly notSent: ReadonlySet<string>
  readonly mayDecide: boolean
  /** Login name of the reader. */
  readonly user: string
  readonly images: ReactNode
  readonly notices: ReactNode
  readonly onAnswer: (answer: ContextIn) => void
  readonly onSelect: (finding: Finding) => void
  readonly onSolid: (finding: Finding, size: SolidPart) => void
}

/** What was looked at and by which model; not assessed never looks like nothing found. */
function Result({ study, pointed }: { readonly study: Study; readonly pointed: boolean }) {
  return (
    <section data-anchor="result" tabIndex={-1} data-pointed={pointed || undefined} className={styles['result']}>
      <ResultNotice study={study} />
      <p className={styles['small']}>
        {resultLine(study)}
        {study.model && ` · ${study.model.name}`}
      </p>
    </section>
  )
}

/** The part that a dotted value of the text led to last. */
function useSource(findings: readonly Finding[], onSelect: Props['onSelect']) {
  const [pointed, setPointed] = useState<{ readonly anchor: string } | null>(null)
  useEffect(() => {
    if (pointed) goTo(pointed.anchor)
  }, [pointed])
  const onSource = (source: ReportSource) => {
    const finding = source.kind === 'finding' && findings.find(({ finding_id }) => finding_id === source.name)
    if (finding) onSelect(finding)
    setPointed({ anchor: anchorOf(source) })
  }
  return [pointed?.anchor ?? null, onSource] as const
}

/** The step before a signature: images and text, what becomes of every mark, context, assessment. */
export function ReportPage(props: Props) {
  const { study, findings, context, progress, notSent, mayDecide, user, images, notices } = props
  const { onAnswer, onSelect, onSolid } = props
  const [pointed, onSource] = useSource(findings, onSelect)
  const { questions } = progress
  return (
    <div className={styles['page']} data-testid="sign-panel">
      <section className={styles['images']} aria-label={words.report.images}>{images}</section>
      <section className={styles['report']}>
        <ReportText studyUid={study.study_uid} unsent={progress.unsent} onSource={onSource} />
        <Decisions findings={findings} unseen={progress.unseen} notSent={notSent} mayDecide={mayDecide}
          onSelect={onSelect} onSolid={onSolid} />
      </section>
      <aside className={styles['side']} aria-label={sign.title} data-testid="panel">
        <header className={styles['head']}>
          <h2>{sign.context}</h2>
          <span>{questions > 0 ? sign.open(questions) : sign.all}</span>
        </header>
        {/* A part that scrolls is a tab stop, so that keys can scroll it. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div className={styles['body']} tabIndex={0} role="region" aria-label={sign.context}>
          {notices}
          <Questions context={context} questions={study.questions} disabled={!mayDecide} onAnswer={onAnswer} me={user} pointed={pointed} />
          <AssessmentBox assessment={study.assessment} findings={findings} anchored={pointed === 'assessment'} />
          <Result study={study} pointed={pointed === 'result'} />
        </div>
        <SignFoot {...props} />
      </aside>
    </div>
  )
}
