import { UnstyledButton } from '@mantine/core'
import type { Worklist } from '../../api/types'
import { wait } from '../../lib/format'
import { words } from '../../words'
import styles from './WorklistPage.module.css'

const { worklist } = words
const lateShare = 0.9

interface Props {
  readonly list: Worklist | undefined
  readonly waiting: number
  readonly onTake: () => void
}

/** The end of the filter row: what is new, the longest wait with its limit, the reading mode. */
export function ListEnd({ list, waiting, onTake }: Props) {
  const longest = list?.longest_wait_s ?? null
  return (
    <>
      {waiting > 0 && (
        <UnstyledButton className={styles['new'] ?? ''} onClick={onTake}>
          {worklist.newRows(waiting)}
        </UnstyledButton>
      )}
      {list && longest !== null && (
        <span data-late={longest > list.max_wait_s * lateShare || undefined} className={styles['longest']}>
          {worklist.longestWait} <strong>{wait(longest)}</strong> {worklist.ofLimit(wait(list.max_wait_s))}
        </span>
      )}
      <span className={styles['mode']}>{worklist.reading}</span>
    </>
  )
}
