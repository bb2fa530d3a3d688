import { Skeleton } from '@mantine/core'
import { useMemo } from 'react'
import type { HowMade } from '../../api/plan'
import { Refused } from '../../api/problem'
import { Notice } from '../../components/Notice'
import { words } from '../../words'
import { PlanGraph } from './PlanGraph'
import { rowsOf } from './rows'
import { Side } from './Side'
import { graphOf, shownAs } from './story'
import { Trace } from './Trace'
import { Waiting } from './Waiting'
import styles from './Plan.module.css'

const { failed: say, never } = words.plan
const loadingRows = [0, 1, 2, 3, 4, 5]

/** What stands in place of the account, in words: what happened, what is safe, what mends it. */
export function PlanFailed({ fault, onRetry }: { readonly fault: Error; readonly onRetry: () => void }) {
  const status = fault instanceof Refused ? fault.problem.status : null
  const [title, text] =
    status === 403
      ? [say.forbidden, say.forbiddenText]
      : status === 404 || status === 422
        ? [say.unknown, say.unknownText]
        : [say.title, say.safe]
  return (
    <div className={styles['message']}>
      <Notice kind="attention" title={title}>
        {title !== say.unknown && <p>{fault.message}</p>}
        <p>{text}</p>
        {status === null && (
          <button type="button" className={styles['retry']} onClick={onRetry}>
            {words.tryAgain}
          </button>
        )}
      </Notice>
    </div>
  )
}

export function PlanLoading() {
  return (
    <div className={styles['loading']} aria-busy="true" aria-label={words.loading}>
      {loadingRows.map((at) => (
        <Skeleton key={at} height={22} animate={false} />
      ))}
    </div>
  )
}

interface Props {
  readonly made: HowMade
  readonly version: number
  readonly selected: string | null
  readonly onSelect: (id: string | null) => void
}

/** Graph, side and table of one account. */
export function PlanView({ made, version, selected, onSelect }: Props) {
  const graph = useMemo(() => graphOf(made, version), [made, version])
  const rows = useMemo(() => rowsOf(made), [made])
  const nodes = useMemo(() => (graph ? [...graph.nodes, ...graph.lanes.flatMap((lane) => lane.nodes)] : []), [graph])
  const shown = useMemo(() => shownAs(made, nodes), [made, nodes])
  if (!graph)
    return (
      <div className={styles['message']}>
        <Notice kind="focus" title={never.title}>
          <p>{made.round ? never.round : never.study}</p>
          {made.study?.state_reason && <p>{made.study.state_reason}</p>}
        </Notice>
        <Waiting made={made} />
      </div>
    )
  const chosen = nodes.find(({ id }) => id === (selected && shown(selected))) ?? null
  return (
    <div className={styles['view']}>
      <PlanGraph graph={graph} selected={chosen?.id ?? null} onSelect={onSelect} />
      <Side made={made} graph={graph} selected={chosen} onSelect={onSelect} />
      <Trace rows={rows} selected={chosen?.id ?? null} shown={shown} onSelect={onSelect} />
    </div>
  )
}
