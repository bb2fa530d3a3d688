import { UnstyledButton } from '@mantine/core'
import { Check, TriangleAlert, X } from 'lucide-react'
import { duration } from '../../lib/duration'
import { words } from '../../words'
import type { Row } from './rows'
import styles from './Trace.module.css'

const { trace: say } = words.plan
const icons = { done: Check, failed: X, waits: TriangleAlert } as const

interface Props {
  readonly rows: readonly Row[]
  readonly selected: string | null
  /** The drawn node that tells of a step; a row without one leads nowhere. */
  readonly shown: (id: string) => string | null
  readonly onSelect: (id: string) => void
}

function Line({ row, selected, shown, onSelect }: Omit<Props, 'rows'> & { readonly row: Row }) {
  const Icon = row.verdict && icons[row.verdict]
  const target = row.node === null ? null : shown(row.node)
  return (
    <tr data-selected={(target !== null && target === selected) || undefined} data-quiet={row.verdict === null || undefined}>
      <td className={styles['number']}>{row.at === null ? words.absent : duration(row.at)}</td>
      <th scope="row" title={row.step}>
        {target ? (
          <UnstyledButton className={styles['rowLink'] ?? ''} onClick={() => onSelect(target)}>
            {row.step}
          </UnstyledButton>
        ) : (
          row.step
        )}
      </th>
      <td title={row.outcome}>{row.outcome}</td>
      <td data-verdict={row.verdict ?? undefined}>
        {Icon && <Icon size={12} aria-hidden />} {row.cause}
      </td>
      <td className={styles['number']}>{row.cost}</td>
    </tr>
  )
}

/** What happened, in the order of time; a row leads to its step. */
export function Trace({ rows, ...rest }: Props) {
  return (
    // A part that scrolls is reached by keys even when no row in it leads anywhere.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className={styles['trace']} aria-label={say.title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col" className={styles['number']}>{say.at}</th>
            <th scope="col">{say.step}</th>
            <th scope="col">{say.outcome}</th>
            <th scope="col">{say.cause}</th>
            <th scope="col" className={styles['number']}>{say.cost}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Line key={row.key} row={row} {...rest} />
          ))}
        </tbody>
      </table>
    </section>
  )
}
