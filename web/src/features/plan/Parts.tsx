import { UnstyledButton } from '@mantine/core'
import { Fragment, type ReactNode } from 'react'
import type { NodeState, PlanNode } from './model'
import { StateMark } from './StateMark'
import styles from './Side.module.css'
import links from './Trace.module.css'

/** Name and state of what the side tells of. */
export function SideHead({ title, state, words, person = false }: {
  readonly title: string
  readonly state: NodeState
  readonly words: string
  readonly person?: boolean
}) {
  return (
    <div className={styles['sideHead']}>
      <h2>{title}</h2>
      <span className={styles['stateWords']}>
        <StateMark state={state} person={person} /> {words}
      </span>
    </div>
  )
}

export const Part = ({ title, children }: { readonly title: string; readonly children: ReactNode }) => (
  <section className={styles['part']}>
    <h3>{title}</h3>
    {children}
  </section>
)

/** Names of steps, each leading there. */
export function StepLinks({ nodes, onSelect }: {
  readonly nodes: readonly PlanNode[]
  readonly onSelect: (id: string) => void
}) {
  return (
    <p>
      {nodes.map((node, at) => (
        <Fragment key={node.id}>
          {at > 0 && ', '}
          <UnstyledButton className={links['rowLink'] ?? ''} onClick={() => onSelect(node.id)}>
            {node.title}
          </UnstyledButton>
        </Fragment>
      ))}
    </p>
  )
}

/** Raw values with their codes and UIDs, folded away. */
export function Recorded({ title, values }: { readonly title: string; readonly values: readonly (readonly [string, unknown])[] }) {
  return (
    <details className={styles['recorded']}>
      <summary>{title}</summary>
      {values.map(([name, value]) => (
        <Fragment key={name}>
          <h4>{name}</h4>
          <pre>{typeof value === 'string' ? value : JSON.stringify(value, null, 1)}</pre>
        </Fragment>
      ))}
    </details>
  )
}
