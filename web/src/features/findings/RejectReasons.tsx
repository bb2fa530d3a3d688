import { UnstyledButton } from '@mantine/core'
import type { RejectReason } from '../../api/types'
import { Key } from '../../components/Key'
import type { ActName } from '../../lib/keys/keymap'
import { useKeys, type Handlers } from '../../lib/keys/useKeys'
import { words } from '../../words'
import styles from './Card.module.css'

const { findings } = words
const actOf = (at: number) => `reason${at + 1}` as ActName

/** Eight reasons, one digit each, inside the card: the image stays free. */
export function RejectReasons({ onReason }: { readonly onReason: (reason: RejectReason) => void }) {
  const handlers: Handlers = Object.fromEntries(
    findings.reasons.map(([reason], at) => [actOf(at), () => onReason(reason)]),
  )
  useKeys(handlers)
  return (
    <fieldset className={styles['reasons']}>
      <legend className={styles['title']}>
        {findings.rejectBecause}
        <span>
          <Key act="back" /> {words.back.toLowerCase()}
        </span>
      </legend>
      {findings.reasons.map(([reason, label], at) => (
        <UnstyledButton key={reason} className={styles['reason'] ?? ''} onClick={() => onReason(reason)}>
          <Key act={actOf(at)} /> {label}
        </UnstyledButton>
      ))}
    </fieldset>
  )
}
