import { UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import type { HowMade } from '../../api/plan'
import { words } from '../../words'
import { EffectSide } from './EffectSide'
import { MissingSide } from './MissingSide'
import type { Graph, PlanNode } from './model'
import { Overview } from './Overview'
import { PersonSide } from './PersonSide'
import { StepSide } from './StepSide'
import { Waiting } from './Waiting'
import styles from './Side.module.css'

interface Props {
  readonly made: HowMade
  readonly graph: Graph
  readonly selected: PlanNode | null
  readonly onSelect: (id: string | null) => void
}

function about({ made, graph, selected, onSelect }: Props): ReactNode {
  switch (selected?.kind) {
    case 'step':
      return <StepSide made={made} graph={graph} node={selected} onSelect={onSelect} />
    case 'effect':
      return <EffectSide made={made} effect={selected.effect} />
    case 'person':
      return <PersonSide made={made} person={selected.person} />
    case 'missing':
      return <MissingSide made={made} graph={graph} node={selected} />
    default:
      return <Overview made={made} graph={graph} onSelect={onSelect} />
  }
}

/** What the chosen step is and came to, or the whole; below it what waits. */
export function Side(props: Props) {
  const { made, selected, onSelect } = props
  return (
    <aside className={styles['side']} aria-label={selected?.title ?? words.plan.side.whole}>
      {about(props)}
      {selected && (
        <UnstyledButton className={styles['quietLink'] ?? ''} onClick={() => onSelect(null)}>
          {words.plan.side.close}
        </UnstyledButton>
      )}
      <Waiting made={made} />
    </aside>
  )
}
