import type { Finding } from '../../api/types'
import styles from './Badge.module.css'

const kinds: Record<Finding['state'], string> = {
  pending: 'mark',
  confirmed: 'done',
  corrected: 'done',
  added: 'added',
  rejected: 'gone',
  dismissed: 'gone',
  withdrawn: 'gone',
}

/** Number of a finding: square for the model, round for a person, dashed when rejected. */
export function Badge({ finding: { number, state } }: { readonly finding: Pick<Finding, 'number' | 'state'> }) {
  return (
    <span className={styles['badge']} data-kind={kinds[state]}>
      {number}
    </span>
  )
}
