import { SegmentedControl, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Context, ContextIn, ContextValue, Question } from '../../api/types'
import { timeOf } from '../../lib/format'
import { words } from '../../words'
import styles from './Questions.module.css'

const { context: said } = words
type Field = keyof typeof said.fields

interface Props {
  readonly context: Context
  readonly questions: readonly Question[]
  readonly disabled: boolean
  readonly onAnswer: (answer: ContextIn) => void
}

/** Asked now, or answered before: what a category needs and what is known already. */
export function shownFields(context: Context, questions: readonly Question[]): Field[] {
  const asked = new Set(questions.map(({ field }) => field))
  return (Object.keys(said.fields) as Field[]).filter((field) => asked.has(field) || context[field])
}

const source = (value: ContextValue | null | undefined): string => {
  if (!value) return said.notAnswered
  if (value.value === null) return said.notKnown
  if (value.source === 'reader') return said.source.reader(value.by ?? '', timeOf(value.at ?? null))
  return said.source[value.source]
}

const parse = (text: string): boolean | string => (text === 'true' ? true : text === 'false' ? false : text)

function Age({ value, disabled, onAnswer }: { value: string; disabled: boolean; onAnswer: Props['onAnswer'] }) {
  const [text, setText] = useState(value)
  const save = () => {
    const age = Number(text)
    if (text !== '' && text !== value && Number.isInteger(age) && age >= 0 && age <= 130) onAnswer({ age_years: age })
  }
  return (
    <TextInput w={64} size="xs" value={text} disabled={disabled} inputMode="numeric" aria-label={said.fields.age_years.label}
      onChange={(event) => setText(event.currentTarget.value)} onBlur={save}
      onKeyDown={(event) => event.key === 'Enter' && save()} />
  )
}

/** Context questions. Nothing is chosen beforehand: no segment is on until somebody answered. */
export function Questions({ context, questions, disabled, onAnswer }: Props) {
  const fields = shownFields(context, questions)
  if (fields.length === 0) return null
  return (
    <ul className={styles['list']} data-testid="questions">
      {fields.map((field) => {
        const { label, options } = said.fields[field]
        const value = context[field]?.value ?? null
        return (
          <li key={field} className={styles['question']} data-field={field}>
            <span id={`q-${field}`} className={styles['label']}>
              {label}
              <span className={styles['source']}>{source(context[field])}</span>
            </span>
            {field === 'age_years' ? (
              <Age key={String(value)} value={value === null ? '' : String(value)} disabled={disabled} onAnswer={onAnswer} />
            ) : (
              // Mantine chooses the first segment for an undefined value; an empty one chooses none.
              <SegmentedControl aria-labelledby={`q-${field}`} data={[...options]} value={value === null ? '' : String(value)}
                disabled={disabled} transitionDuration={0} size="xs"
                onChange={(text) => onAnswer({ [field]: parse(text) } as ContextIn)} />
            )}
          </li>
        )
      })}
    </ul>
  )
}
