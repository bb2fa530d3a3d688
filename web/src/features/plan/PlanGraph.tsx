import { UnstyledButton } from '@mantine/core'
import { useEffect, useMemo, useRef } from 'react'
import { duration } from '../../lib/duration'
import { useKeys } from '../../lib/keys/useKeys'
import { words } from '../../words'
import { beside, draw, type Box, type Label } from './drawing'
import type { Graph } from './model'
import { StateMark } from './StateMark'
import styles from './Graph.module.css'

const { plan: say } = words

function Step({ box, selected, first, onSelect }: {
  readonly box: Box
  readonly selected: boolean
  readonly first: boolean
  readonly onSelect: (id: string) => void
}) {
  const { node, x, y, lane } = box
  const state = say.step[node.state === 'failed' && node.kind === 'effect' ? 'waiting' : node.state]
  return (
    <UnstyledButton className={styles['node'] ?? ''} style={{ left: x, top: y }} data-node={node.id} data-state={node.state}
      data-kind={node.kind} data-lane={lane || undefined} aria-pressed={selected} tabIndex={selected || first ? 0 : -1}
      title={`${node.title}\n${node.note}`} onClick={() => onSelect(node.id)}>
      <StateMark state={node.state} person={node.kind === 'person'} />
      <span className={styles['nodeTitle']}>{node.title}</span>
      <span className={styles['nodeNote']}>
        <span className={styles['hidden']}>{`${state}. `}</span>
        {node.note}
      </span>
    </UnstyledButton>
  )
}

function Note({ label: { lane, back, x, y, narrow } }: { readonly label: Label }) {
  if (back)
    return (
      <p className={styles['back']} style={{ left: x, top: y }}>
        {back.kind === 'back_track' ? say.backTrack(back.why) : say.otherTool(back.why)}
      </p>
    )
  if (!lane) return null
  const { plan, nodes } = lane
  const ended = say.givenUpAt(plan.version, duration(plan.ended_at_s ?? plan.at_s))
  return (
    <p className={styles['laneName']} data-narrow={narrow || undefined} style={{ left: x, top: y }}>
      {nodes.length > 0 ? ended : `${ended}: ${plan.ended_why.replace(/^superseded: /, '')}`}
    </p>
  )
}

interface Props {
  readonly graph: Graph
  readonly selected: string | null
  readonly onSelect: (id: string) => void
}

/** The plan as a graph: steps are buttons in reading order, one tab stop; arrows, N and P move. */
export function PlanGraph({ graph, selected, onSelect }: Props) {
  const drawing = useMemo(() => draw(graph), [graph])
  const root = useRef<HTMLDivElement>(null)
  const { boxes } = drawing
  const at = boxes.findIndex(({ node }) => node.id === selected)
  const button = (id: string) => root.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`)
  const go = (box: Box | null | undefined) => {
    if (!box) return
    onSelect(box.node.id)
    button(box.node.id)?.focus()
  }
  // The address follows a moment later: quick keys go on from where the focus is.
  const here = (): number => {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['node'] : undefined
    return focused === undefined ? at : boxes.findIndex(({ node }) => node.id === focused)
  }
  const step = (by: 1 | -1) => {
    const now = here()
    go(now < 0 ? boxes[by > 0 ? 0 : boxes.length - 1] : boxes[now + by])
  }
  const move = (dx: number, dy: number) => go(beside(boxes, boxes[here()]?.node.id ?? '', [dx, dy]))
  useKeys({
    next: () => step(1),
    previous: () => step(-1),
    nodeLeft: () => move(-1, 0),
    nodeRight: () => move(1, 0),
    nodeUp: () => move(0, -1),
    nodeDown: () => move(0, 1),
  })
  // A wide plan begins in the middle of its height.
  useEffect(() => {
    root.current?.querySelector('[tabindex="0"]')?.scrollIntoView?.({ block: 'center', inline: 'nearest' })
  }, [])
  useEffect(() => {
    if (selected) button(selected)?.scrollIntoView?.({ block: 'nearest', inline: 'nearest' })
  }, [selected])
  const { chosen } = graph
  return (
    <section className={styles['graph']} aria-label={say.steps}>
      <div ref={root} className={styles['sheet']} style={{ width: drawing.width, height: drawing.height }}>
        <p className={styles['planName']}>{`${say.version(chosen.version)}, ${say.state[chosen.state]}`}</p>
        <svg className={styles['lines']} width={drawing.width} height={drawing.height} aria-hidden>
          <defs>
            <marker id="plan-back" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">
              <path d="M0 0L8 4L0 8Z" className={styles['head']} />
            </marker>
          </defs>
          {drawing.lines.map(({ key, d, kind }) => (
            <path key={key} d={d} data-kind={kind} markerEnd={kind === 'back' ? 'url(#plan-back)' : undefined} />
          ))}
        </svg>
        {boxes.map((box, index) => (
          <Step key={box.node.id} box={box} selected={box.node.id === selected} first={at < 0 && index === 0} onSelect={onSelect} />
        ))}
        {drawing.labels.map((label) => (
          <Note key={label.key} label={label} />
        ))}
      </div>
    </section>
  )
}

