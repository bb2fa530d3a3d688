import type { ReactNode } from 'react'
import styles from './Notice.module.css'

interface Props {
  readonly kind: 'attention' | 'focus' | 'done'
  readonly title: ReactNode
  readonly icon?: ReactNode
  readonly children?: ReactNode
}

/** A state in words, inside the part it concerns: what happened, what is safe, what mends it. */
export function Notice({ kind, title, icon, children }: Props) {
  return (
    <section className={styles['notice']} data-kind={kind}>
      <h3 className={styles['title']}>
        {icon && <span className={styles['icon']}>{icon}</span>}
        {title}
      </h3>
      {children && <div className={styles['text']}>{children}</div>}
    </section>
  )
}
