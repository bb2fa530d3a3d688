import { UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import type { Finding } from '../../api/types'
import { words } from '../../words'
import { isProposed, typeWord } from './describe'
import styles from './TypeChoice.module.css'

export type Solidity = NonNullable<Finding['solidity']>

const { findings } = words
const kinds = Object.keys(findings.solidity) as Solidity[]

interface Props {
  readonly finding: Finding
  readonly mayDecide: boolean
  readonly onType: (solidity: Solidity) => void
}

/** Texture of a nodule: the machine's word until a reader says it; unknown is asked for. */
export function TypeChoice({ finding, mayDecide, onType }: Props) {
  const [openFor, setOpenFor] = useState<string | null>(null)
  const proposed = isProposed(finding, 'solidity')
  if (openFor === finding.finding_id)
    return (
      <span className={styles['choices']} role="group" aria-label={findings.type}>
        {kinds.map((kind) => (
          <UnstyledButton key={kind} className={styles['kind'] ?? ''} aria-pressed={finding.solidity === kind && !proposed}
            onClick={() => {
              setOpenFor(null)
              onType(kind)
            }}>
            {findings.solidity[kind]}
          </UnstyledButton>
        ))}
      </span>
    )
  return (
    <UnstyledButton className={styles['word'] ?? ''} disabled={!mayDecide} onClick={() => setOpenFor(finding.finding_id)}
      title={findings.setType}>
      {[typeWord(finding.solidity), finding.margin].filter(Boolean).join(', ')}
      {proposed && <span className={styles['soft']}> {findings.proposed}</span>}
    </UnstyledButton>
  )
}
