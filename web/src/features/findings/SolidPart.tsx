import { TextInput } from '@mantine/core'
import { useId, useRef, useState, type FocusEvent, type KeyboardEvent } from 'react'
import type { Finding } from '../../api/types'
import { readSolidPart, type SolidPart as Size, type SolidProblem } from '../../lib/decisions/solidPart'
import { words } from '../../words'
import styles from './SolidPart.module.css'

const { solid } = words.report

interface Props {
  readonly finding: Finding
  readonly mayDecide: boolean
  readonly onSolid: (finding: Finding, size: Size) => void
}

/** One decimal; a finer value, sent by a script, stays as it is. */
const shown = (value: number | null): string =>
  value === null ? '' : Math.round(value * 10) / 10 === value ? value.toFixed(1) : String(value)

/** Size of the solid part, typed: Lung-RADS and Fleischner ask for it. Enter or leaving both saves. */
function Fields({ finding, mayDecide, onSolid }: Props) {
  const now: Size = { long_mm: finding.solid_long_mm, short_mm: finding.solid_short_mm }
  const [long, setLong] = useState(shown(now.long_mm))
  const [short, setShort] = useState(shown(now.short_mm))
  const [problem, setProblem] = useState<SolidProblem | null>(null)
  const fields = useRef<HTMLSpanElement>(null)
  const problemId = useId()

  const save = () => {
    if (long === shown(now.long_mm) && short === shown(now.short_mm)) return setProblem(null)
    const said = readSolidPart(long, short, finding)
    setProblem(typeof said === 'string' ? said : null)
    if (typeof said !== 'string' && (said.long_mm !== now.long_mm || said.short_mm !== now.short_mm)) onSolid(finding, said)
    return undefined
  }
  const onBlur = (event: FocusEvent) => {
    if (!fields.current?.contains(event.relatedTarget)) save()
  }
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Enter') save()
    if (event.key !== 'Escape') return
    // Leaves the field as it was, and only the field.
    event.preventDefault()
    setLong(shown(now.long_mm))
    setShort(shown(now.short_mm))
    setProblem(null)
  }
  const common = {
    size: 'xs', w: '3.25rem', disabled: !mayDecide, inputMode: 'decimal', autoComplete: 'off', error: problem !== null,
    'aria-describedby': problem ? problemId : undefined, onKeyDown,
  } as const
  return (
    <span className={styles['solid']} ref={fields} onBlur={onBlur} data-testid={`solid-${finding.number}`}>
      <TextInput {...common} value={long} aria-label={solid.long(finding.number)} onChange={(event) => setLong(event.currentTarget.value)} />
      ×
      <TextInput {...common} value={short} aria-label={solid.short(finding.number)} onChange={(event) => setShort(event.currentTarget.value)} />
      {solid.unit}
      {problem && (
        <span className={styles['problem']} id={problemId} role="alert">
          {solid.problems[problem]}
        </span>
      )}
    </span>
  )
}

/** Two small fields; what the server says of the finding replaces what stands in them. */
export function SolidPart(props: Props) {
  const { finding_id, solid_long_mm, solid_short_mm } = props.finding
  return <Fields key={`${finding_id} ${solid_long_mm} ${solid_short_mm}`} {...props} />
}
