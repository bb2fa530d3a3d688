import { Button, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { reportQuery, type Report, type ReportLine, type ReportSection, type ReportSource } from '../../../api/report'
import { Notice } from '../../../components/Notice'
import { clock, timeOf } from '../../../lib/format'
import { words } from '../../../words'
import { CopyText } from './CopyText'
import styles from './ReportText.module.css'

const { report: said } = words

type OnSource = (source: ReportSource) => void

/** Preliminary until signed; amendments are numbered. */
export function stageWords({ stage, amendment, signed_by, signed_at }: Report): string {
  if (stage === 'preliminary') return amendment > 0 ? said.amending(amendment) : said.preliminary
  const signed = said.signed(signed_by ?? words.unknown, timeOf(signed_at))
  return amendment > 0 ? `${signed}, ${said.amended(amendment)}` : signed
}

function Line({ line, onSource }: { readonly line: ReportLine; readonly onSource: OnSource }) {
  return (
    <p>
      {line.number !== null && <strong>{line.number}. </strong>}
      {line.spans.map(({ text, source }, at) =>
        source ? (
          // A line never changes its order, so its place names a value.
          // oxlint-disable-next-line react/no-array-index-key
          <UnstyledButton key={at} component="button" className={styles['value'] ?? ''} data-source={source.kind}
            data-name={source.name ?? undefined} data-field={source.field ?? undefined} onClick={() => onSource(source)}>
            {text}
          </UnstyledButton>
        ) : (
          text
        ),
      )}
    </p>
  )
}

function Section({ section: { name, title, lines }, onSource }: { readonly section: ReportSection; readonly onSource: OnSource }) {
  return (
    <section data-section={name}>
      <h3>{title}</h3>
      {lines.map((line) => (
        <Line key={line.finding_id ?? line.spans.map(({ text }) => text).join('')} line={line} onSource={onSource} />
      ))}
    </section>
  )
}

function Failed({ onAgain }: { readonly onAgain: () => void }) {
  return (
    <Notice kind="attention" title={said.failed} icon={<TriangleAlert size={14} />}>
      <p>{said.failedText}</p>
      <Button variant="default" onClick={onAgain}>
        {words.tryAgain}
      </Button>
    </Notice>
  )
}

interface Props {
  readonly studyUid: string
  /** Acts that the server, and so the text, does not know of yet. */
  readonly unsent: number
  readonly onSource: OnSource
}

/** The report as it will be signed, from the server; every dotted value leads to its source. */
export function ReportText({ studyUid, unsent, onSource }: Props) {
  const { data, isError, dataUpdatedAt, refetch } = useQuery(reportQuery(studyUid))
  return (
    <>
      <header className={styles['head']}>
        <h2>
          {said.title} <span data-testid="report-stage">{data && stageWords(data)}</span>
        </h2>
        {data && <CopyText key={data.text} text={data.text} />}
      </header>
      {/* A part that scrolls is a tab stop, so that keys can scroll it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={styles['text']} data-testid="report-text" tabIndex={0} role="region" aria-label={said.title}>
        {unsent > 0 && <p className={styles['stale']}>{said.stale(unsent)}</p>}
        {isError && data && <p className={styles['stale']}>{said.old(clock(new Date(dataUpdatedAt)))}</p>}
        {isError && !data && <Failed onAgain={() => void refetch()} />}
        {!data && !isError && <p className={styles['stale']}>{said.loading}</p>}
        {data?.sections.map((section) => <Section key={section.name} section={section} onSource={onSource} />)}
      </div>
    </>
  )
}
