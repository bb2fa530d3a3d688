import { Button } from '@mantine/core'
import { TriangleAlert, Users, WifiOff } from 'lucide-react'
import type { Finding, Study } from '../../api/types'
import { Facts } from '../../components/Facts'
import { Notice } from '../../components/Notice'
import { clock, timeOf } from '../../lib/format'
import type { QueuedAct } from '../../lib/decisions/acts'
import { words } from '../../words'
import { sizeWord, stateWord } from './describe'
import { resultNotice } from './resultWords'
import styles from './Panel.module.css'

const { conflict, offline, refused } = words.findings

/** Not assessed and partly assessed never look like nothing found. */
export function ResultNotice({ study }: { readonly study: Study }) {
  const notice = resultNotice(study)
  if (!notice) return null
  return (
    <Notice kind={notice.kind} title={notice.title} icon={notice.kind === 'attention' && <TriangleAlert size={14} />}>
      {notice.text && <p>{notice.text}</p>}
      {notice.reasons.map((reason) => (
        <p key={reason}>{reason}</p>
      ))}
    </Notice>
  )
}

/** The connection is away: reading goes on, decisions wait here. */
export function OfflineNotice({ since, unsent }: { readonly since: Date; readonly unsent: number }) {
  return (
    <Notice kind="focus" title={offline.title(clock(since))} icon={<WifiOff size={14} />}>
      {unsent > 0 ? offline.kept(unsent) : offline.keptNone}
    </Notice>
  )
}

const did = (finding: Finding): string => `${stateWord(finding)}, ${sizeWord(finding)}`

interface ConflictProps {
  readonly queued: QueuedAct
  readonly onKeep: () => void
  readonly onTheirs: () => void
  readonly onThird: () => void
}

/** Two readers on one finding: both acts are shown, and three ways on. */
export function ConflictNotice({ queued, onKeep, onTheirs, onThird }: ConflictProps) {
  const { current, shown, at } = queued
  if (!current) return null
  const rows = [
    [current.decided_by ?? conflict.theirs, `${did(current)} ${timeOf(current.decided_at)}`],
    [conflict.mine, `${shown ? did(shown) : words.absent} ${timeOf(at)}`],
  ] as const
  return (
    <div data-testid="conflict">
      <Notice kind="focus" title={conflict.title(current.number)} icon={<Users size={14} />}>
        <p>{conflict.text}</p>
        <Facts rows={rows} />
        <div className={styles['choices']}>
          <Button variant="default" onClick={onKeep}>{conflict.keepMine}</Button>
          <Button variant="default" onClick={onTheirs}>{conflict.takeTheirs}</Button>
          <Button variant="default" onClick={onThird}>{conflict.third}</Button>
        </div>
        <p>{conflict.until}</p>
      </Notice>
    </div>
  )
}

/** The server refused an act for another reason; it stays until the reader says what to do. */
export function RefusedNotice({ queued, onAgain, onDrop }: {
  readonly queued: QueuedAct
  readonly onAgain: () => void
  readonly onDrop: () => void
}) {
  return (
    <div data-testid="refused">
      <Notice kind="attention" title={refused.title} icon={<TriangleAlert size={14} />}>
        <p>{queued.problem}</p>
        <div className={styles['choices']}>
          <Button variant="default" onClick={onAgain}>{refused.again}</Button>
          <Button variant="default" onClick={onDrop}>{refused.drop}</Button>
        </div>
      </Notice>
    </div>
  )
}
