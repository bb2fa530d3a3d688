import { corners, cornerShare, overlapped } from '../../../lib/geometry/marks'
import type { Spot } from '../spots'
import styles from './Marks.module.css'

interface Props {
  readonly spots: readonly Spot[]
  readonly selected: string | null
  readonly width: number
}

const kinds: Record<Spot['state'], 'mark' | 'done' | 'gone'> = {
  pending: 'mark',
  confirmed: 'done',
  corrected: 'done',
  added: 'done',
  rejected: 'gone',
  dismissed: 'gone',
  withdrawn: 'gone',
}

const labelRoom = 24

/** Square: the model. Circle: a person. Dashed: rejected, shown while its row is hovered. */
function Shape({ spot: { state, x, y, half }, selected }: { readonly spot: Spot; readonly selected: boolean }) {
  if (state === 'added') return <circle cx={x} cy={y} r={half} />
  if (kinds[state] === 'gone')
    return <rect x={x - half} y={y - half} width={2 * half} height={2 * half} strokeDasharray="4 3" />
  return <path d={corners(x, y, half, selected ? cornerShare.selected : cornerShare.other)} />
}

const suffix: Partial<Record<Spot['state'], string>> = { confirmed: '✓', corrected: '✓', rejected: '×', dismissed: '×' }

function Mark({ spot, selected, bare, width }: Omit<Props, 'spots' | 'selected'> & {
  readonly spot: Spot
  readonly selected: boolean
  readonly bare: boolean
}) {
  const clipped = spot.x + spot.half + labelRoom > width
  return (
    <g className={styles['mark']} data-kind={kinds[spot.state]} data-selected={selected || undefined}
      data-testid={`mark-${spot.number}`} data-state={spot.state}>
      {!bare && (
        <>
          <g className={styles['halo']}>
            <Shape spot={spot} selected={selected} />
          </g>
          <g className={styles['line']}>
            <Shape spot={spot} selected={selected} />
          </g>
        </>
      )}
      <text x={clipped ? spot.x - spot.half - 5 : spot.x + spot.half + 5} y={spot.y - spot.half + 9}
        textAnchor={clipped ? 'end' : 'start'}>
        {spot.number}
        {suffix[spot.state]}
      </text>
    </g>
  )
}

/** All marks of one viewport, the selected one on top. */
export function Marks({ spots, selected, width }: Props) {
  const bare = overlapped(spots, selected)
  const ordered = spots.toSorted((a, b) => Number(a.id === selected) - Number(b.id === selected))
  return ordered.map((spot) => (
    <Mark key={spot.id} spot={spot} selected={spot.id === selected} bare={bare.has(spot.id)} width={width} />
  ))
}
