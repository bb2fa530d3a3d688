import type { Verdict } from '../../api/learning'
import { words } from '../../words'
import styles from './Learning.module.css'

const width = 430
const height = 250
const left = 36
const bottom = 28
const top = 10

const x = (at: number, count: number) => left + (at * (width - left - 12)) / Math.max(1, count - 1)
const y = (value: number) => top + (1 - value) * (height - top - bottom)
const rateName = (rate: number) => (rate < 1 ? `1/${Math.round(1 / rate)}` : String(rate))

const path = (values: readonly number[]) => values.map((v, at) => `${x(at, values.length)},${y(v)}`).join(' ')

/** Sensitivity of both models at the rates of the mean; drawn from 0 to 1, never cut off. */
export function Curve({ verdict }: { readonly verdict: Verdict }) {
  const { champion, challenger } = verdict.curves ?? {}
  const rates = verdict.rates ?? []
  if (!champion || !challenger) return <p className={styles['quiet']}>{words.learning.noCurve}</p>
  return (
    <figure className={styles['figure']}>
      <figcaption>{words.learning.curve}</figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={words.learning.curve}>
        {[0, 0.25, 0.5, 0.75, 1].map((value) => (
          <g key={value}>
            <line x1={left} x2={width - 12} y1={y(value)} y2={y(value)} className={styles['grid']} />
            <text x={left - 6} y={y(value) + 4} textAnchor="end" className={styles['tick']}>
              {value.toFixed(2)}
            </text>
          </g>
        ))}
        {rates.map((rate, at) => (
          <text key={rate} x={x(at, rates.length)} y={height - 10} textAnchor="middle" className={styles['tick']}>
            {rateName(rate)}
          </text>
        ))}
        <polyline points={path(champion)} className={styles['before']} />
        <polyline points={path(challenger)} className={styles['after']} />
      </svg>
      <p className={styles['legend']}>
        <span data-line="after">{words.learning.challenger}</span>
        <span data-line="before">{words.learning.champion}</span>
        <span className={styles['quiet']}>{words.learning.rates}</span>
      </p>
    </figure>
  )
}
