import type { Change, Verdict } from '../../api/learning'
import { minus } from '../../lib/format'
import { words } from '../../words'
import styles from './Learning.module.css'

const signed = (value: number) => minus(`${value > 0 ? '+' : ''}${value.toFixed(3)}`)

function Row({ name, change }: { readonly name: string; readonly change: Change }) {
  const limit = name === 'false_per_scan' ? change.margin : -change.margin
  return (
    <tr data-finding={change.finding}>
      <th scope="row">{words.learning.changes[name] ?? name}</th>
      <td>{change.champion.toFixed(3)}</td>
      <td>{change.challenger.toFixed(3)}</td>
      <td>{signed(change.difference)}</td>
      <td>
        {signed(change.lower)} … {signed(change.upper)}
      </td>
      <td>{signed(limit)}</td>
      <td>{words.learning.finding[change.finding]}</td>
    </tr>
  )
}

/** Every comparison of the gate in plain numbers. */
export function Changes({ verdict }: { readonly verdict: Verdict }) {
  const { learning } = words
  const rows = Object.entries(verdict.changes ?? {})
  if (rows.length === 0) return null
  const heads = [learning.was, learning.now, learning.change, learning.interval, learning.limit]
  return (
    <table className={styles['table']}>
      <thead>
        <tr>
          <th scope="col">{learning.compared}</th>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
          <th scope="col">{learning.found}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, change]) => (
          <Row key={name} name={name} change={change} />
        ))}
      </tbody>
    </table>
  )
}
