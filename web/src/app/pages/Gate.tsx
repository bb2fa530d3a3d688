import type { FormEvent, ReactNode } from 'react'
import { Bar } from '../../components/Bar'
import { Notice } from '../../components/Notice'
import { words } from '../../words'
import styles from './Gate.module.css'

export type GateProblem = string | null

interface Props {
  readonly title: string
  readonly problem?: GateProblem | undefined
  readonly onSubmit: () => void
  readonly children: ReactNode
}

/** The page before the product: sign in, or set a first password. */
export function Gate({ title, problem, onSubmit, children }: Props) {
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <div className={styles['page']}>
      <Bar>
        <strong>{words.product}</strong>
      </Bar>
      <main className={styles['main']}>
        <form className={styles['form']} onSubmit={submit}>
          <h1>{title}</h1>
          {children}
          <div role="alert">{problem && <Notice kind="attention" title={problem} />}</div>
        </form>
      </main>
    </div>
  )
}
