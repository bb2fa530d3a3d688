import type { ReactNode } from 'react'
import { useMe } from '../api/session'
import { words } from '../words'
import styles from './Bar.module.css'

interface Props {
  readonly children: ReactNode
  readonly end?: ReactNode
}

/** The one bar of every page, 40 px. "Research use only" always stands at its end. */
export function Bar({ children, end }: Props) {
  const { data: me } = useMe()
  return (
    <header className={styles['bar']}>
      <div className={styles['start']}>{children}</div>
      <div className={styles['end']}>
        {me?.auth === 'off' && <span className={styles['warn']}>{words.authOff}</span>}
        {end}
        <span className={styles['part']}>{words.researchOnly}</span>
      </div>
    </header>
  )
}

/** One part of the bar, with a hairline before it. */
export function BarPart({ children, wide = false }: { readonly children: ReactNode; readonly wide?: boolean }) {
  return (
    <span className={styles['part']} data-wide={wide || undefined}>
      {children}
    </span>
  )
}
