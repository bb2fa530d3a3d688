import type { ReactNode } from 'react'
import { letters } from '../../../lib/geometry/letters'
import { scale } from '../../../lib/geometry/vec'
import type { View } from '../../../lib/geometry/view'
import styles from './Frame.module.css'

interface Props {
  readonly view: View
  readonly topLeft: ReactNode
  readonly topRight?: ReactNode
  readonly bottomLeft?: ReactNode
  readonly bottomRight?: ReactNode
  /** At the bottom right on small screens only. */
  readonly smallHint?: ReactNode
  /** All four letters, or only left and right in small viewports. */
  readonly allLetters: boolean
  /** Leaves room for the lung rail at the right edge. */
  readonly rail?: boolean
}

const corner = (at: string, content: ReactNode) =>
  content ? (
    <div className={styles['corner']} data-at={at}>
      {content}
    </div>
  ) : null

/** Words in the corners and orientation letters on the edges, each on its own dark ground. */
export function Frame({ view, topLeft, topRight, bottomLeft, bottomRight, allLetters, smallHint, rail = false }: Props) {
  const { right, down } = view.plane
  const edges: [string, string][] = [
    ['left', letters(scale(right, -1))],
    ['right', letters(right)],
    ...(allLetters
      ? ([
          ['top', letters(scale(down, -1))],
          ['bottom', letters(down)],
        ] as [string, string][])
      : []),
  ]
  return (
    <div className={styles['layer']} data-rail={rail || undefined}>
      {edges.map(([at, name]) => (
        <span key={at} className={styles['letter']} data-at={at}>
          {name}
        </span>
      ))}
      {corner('tl', topLeft)}
      {corner('tr', topRight)}
      {corner('bl', bottomLeft)}
      {corner('br', bottomRight)}
      {corner('small', smallHint)}
    </div>
  )
}
