import type { Study } from '../../api/types'
import { words } from '../../words'
import styles from './Panel.module.css'

const { sign } = words.findings

interface Said {
  readonly status?: string
  readonly guideline?: string
  readonly category?: string | null
  readonly category_printed?: string | null
  readonly management?: string | null
  readonly preliminary?: boolean
  readonly reasons?: readonly { readonly message: string }[]
}

/** The category, or why there is none. Never a category from findings nobody decided. */
export function Assessment({ assessment }: { readonly assessment: Study['assessment'] }) {
  const said = assessment as Said | null
  return (
    <section className={styles['box']} data-testid="assessment">
      <h3>{sign.assessment}</h3>
      {said?.category ? (
        <>
          <p className={styles['category']}>{said.category_printed ?? said.category}</p>
          <p className={styles['small']}>
            {said.guideline} · {said.preliminary === false ? sign.final : sign.preliminary}
          </p>
          {said.management && <p>{said.management}</p>}
        </>
      ) : (
        <>
          <p>{sign.noCategory}</p>
          {said?.reasons?.map(({ message }) => (
            <p key={message} className={styles['small']}>
              {message}
            </p>
          ))}
        </>
      )}
    </section>
  )
}
