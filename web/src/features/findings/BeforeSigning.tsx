import { Popover, UnstyledButton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Check, Circle } from 'lucide-react'
import type { Study } from '../../api/types'
import { timeOf } from '../../lib/format'
import type { Progress } from '../../lib/reading/progress'
import { words } from '../../words'
import { resultLine } from './resultWords'
import styles from './Panel.module.css'

const { before, limits, limitsText } = words.findings

interface Props {
  readonly study: Study
  readonly progress: Progress
}

const Line = ({ done, text }: { done: boolean; text: string }) => (
  <li data-done={done || undefined}>
    {done ? <Check size={14} aria-hidden /> : <Circle size={10} aria-hidden />}
    {text}
  </li>
)

/** What is missing, in words; the result and the model it came from. */
export function BeforeSigning({ study, progress }: Props) {
  const { undecided, questions, notShown, unsent } = progress
  return (
    <section className={styles['before']} data-testid="before-signing">
      <h3>{before.title}</h3>
      <ul>
        {study.findings.length === 0 ? (
          <Line done text={before.nothing} />
        ) : (
          <Line done={undecided.length === 0} text={undecided.length ? before.decide(undecided.length) : before.decided} />
        )}
        <Line done={questions === 0} text={questions ? before.answer(questions) : before.answered} />
        {notShown !== null && <Line done={notShown === 0} text={notShown ? before.look(notShown) : before.looked} />}
        {unsent > 0 && <Line done={false} text={before.unsent(unsent)} />}
      </ul>
      <p className={styles['small']}>
        {study.signed_by ? `${before.signed(study.signed_by, timeOf(study.signed_at))}. ${before.amend}` : before.rule}
      </p>
      <p className={styles['small']}>
        {resultLine(study)}
        {study.model && ` · ${study.model.name}`}
        {' · '}
        <Popover width={260} position="top-end" withinPortal>
          <Popover.Target>
            <UnstyledButton className={styles['link'] ?? ''}>{limits}</UnstyledButton>
          </Popover.Target>
          <Popover.Dropdown>{limitsText}</Popover.Dropdown>
        </Popover>
        {' · '}
        <Link to="/study/$studyUid/plan" params={{ studyUid: study.study_uid }} state={{ from: 'study' }} className={styles['link'] ?? ''}>
          {words.plan.link}
        </Link>
      </p>
    </section>
  )
}
