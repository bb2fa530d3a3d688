import type { Finding, Study } from '../../../api/types'
import { Facts } from '../../../components/Facts'
import { words } from '../../../words'
import { assessedOf, inputWords, rowOf, type Assessed, type TraceLine } from './assessed'
import styles from './AssessmentBox.module.css'

const { report, findings: said } = words

interface Props {
  readonly assessment: Study['assessment']
  readonly findings: readonly Finding[]
  readonly anchored: boolean
}

/** Categories of the findings that did not decide the exam's. */
function others({ findings: graded = [], dominant_finding }: Assessed, findings: readonly Finding[]): string | null {
  const lines = graded
    .filter(({ id }) => id !== dominant_finding)
    .flatMap(({ id, category }) => {
      const number = findings.find(({ finding_id }) => finding_id === id)?.number
      return number === undefined ? [] : [report.other(number, category ?? report.ungraded)]
    })
  return lines.length > 0 ? lines.join('; ') : null
}

/** Every rule that was looked at, as the server tells it. */
function Trace({ trace, numbers }: { readonly trace: readonly TraceLine[]; readonly numbers: ReadonlyMap<string, number> }) {
  if (trace.length === 0) return null
  return (
    <details className={styles['trace']}>
      <summary>{report.trace}</summary>
      <ul>
        {trace.map((line) => (
          <li key={`${line.finding} ${line.rule_id}`}>
            {line.finding !== null && `${report.finding(numbers.get(line.finding) ?? 0)}: `}
            {line.outcome}. {line.source_row}
            {inputWords(line) && ` (${inputWords(line)})`}
          </li>
        ))}
      </ul>
    </details>
  )
}

/** A category with its row and inputs, or why there is none. Only what the rules said. */
export function AssessmentBox({ assessment, findings, anchored }: Props) {
  const outcome = assessedOf(assessment)
  const numbers = new Map(findings.map(({ finding_id, number }) => [finding_id, number]))
  const row = outcome && rowOf(outcome)
  const printed = outcome?.category_printed ?? outcome?.category
  return (
    <section className={styles['box']} data-testid="assessment" data-anchor="assessment" tabIndex={-1}
      data-pointed={anchored || undefined} aria-label={said.sign.assessment}>
      {outcome && printed ? (
        <>
          <header>
            <strong className={styles['category']}>{printed.replaceAll('_', ' ')}</strong>
            <strong>{report.meaning[outcome.category ?? '']}</strong>
            <span>
              {outcome.guideline}, {outcome.preliminary === false ? said.sign.final : said.sign.preliminary}
            </span>
          </header>
          <Facts
            rows={[
              [report.row, row?.source_row ?? null],
              [report.inputs, (row && inputWords(row)) || null],
              [report.next, outcome.management ?? null],
              [report.review, outcome.review?.map(({ message }) => message).join('; ') || null],
              [report.others, others(outcome, findings)],
            ]}
          />
        </>
      ) : (
        <>
          <p>{said.sign.noCategory}</p>
          {outcome?.at_least && <p>{report.atLeast(outcome.at_least)}</p>}
          {outcome?.reasons?.map(({ message }) => <p key={message} className={styles['small']}>{message}</p>)}
        </>
      )}
      {outcome && <Trace trace={outcome.trace ?? []} numbers={numbers} />}
    </section>
  )
}
