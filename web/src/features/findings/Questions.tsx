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
  /** Login name of the reader: "answered by you". */
  readonly me: string
  /** Name of the part of the page that a value of the text led to. */
  readonly pointed: string | null
  readonly onAnswer: (answer: ContextIn) => void
}

/** May be said of a screening CT, and is never asked: the Lung-RADS modifier S. */
function optional(context: Context): ReadonlySet<string> {
  if (context.purpose?.value !== 'screening_ldct') return new Set()
  const other = 'significant_other_finding'
  return new Set(context[other]?.value === true ? [other, `${other}_known`] : [other])
}

/** Asked now, answered before, or free to say: what a category needs and what is known already. */
export function shownFields(context: Context, questions: readonly Question[]): Field[] {
  const asked = new Set(questions.map(({ field }) => field))
  const free = optional(context)
  return (Object.keys(said.fields) as Field[]).filter((field) => asked.has(field) || context[field] || free.has(field))
}

const source = (value: ContextValue | null | undefined, me: string): string => {
  if (!value) return said.notAnswered
  if (value.value === null) return said.notKnown
  if (value.source !== 'reader') return said.source[value.source]
  return said.source.reader(value.by === me ? said.you : (value.by ?? ''), timeOf(value.at ?? null))
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
export function Questions({ context, questions, disabled, me, pointed, onAnswer }: Props) {
  const fields = shownFields(context, questions)
  if (fields.length === 0) return null
  return (
    <ul className={styles['list']} data-testid="questions">
      {fields.map((field) => {
        const { label, options } = said.fields[field]
        const value = context[field]?.value ?? null
        return (
          <li key={field} className={styles['question']} data-field={field} data-anchor={`context-${field}`} tabIndex={-1}
            data-pointed={pointed === `context-${field}` || undefined}>
            <span id={`q-${field}`} className={styles['label']}>
              {label}
              <span className={styles['source']}>{source(context[field], me)}</span>
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
