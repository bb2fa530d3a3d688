import { useEffect } from 'react'
import type { Finding } from '../../../api/types'
import type { Cross } from '../../../lib/geometry/cross'
import type { Vec3 } from '../../../lib/geometry/vec'
import type { View } from '../../../lib/geometry/view'
import { useKeys } from '../../../lib/keys/useKeys'
import { act, setMode, useReading } from '../../../lib/reading/store'
import { AxesEditor } from './AxesEditor'
import { DrawAxis } from './DrawAxis'
import { useAxes } from './useAxes'

interface Props {
  readonly view: View
  readonly depth: Vec3
  readonly finding: Finding
  readonly onCorrect: (finding: Finding, cross: Cross) => void
}

/** Axes of the selected finding while E or B is on. Without a size, E asks to draw one. */
export function AxesLayer({ view, depth, finding, onCorrect }: Props) {
  const mode = useReading((reading) => reading.mode)
  const axes = useAxes(finding, view.plane, onCorrect)
  const nothingToEdit = mode === 'axes' && axes.cross === null
  useEffect(() => {
    if (nothingToEdit) setMode('measure')
  }, [nothingToEdit])
  useKeys(
    {
      done: () => {
        axes.settle()
        act('done')
      },
    },
    mode === 'axes',
  )
  if (mode === 'measure')
    return (
      <DrawAxis view={view} depth={depth}
        onDrawn={(cross) => {
          axes.propose(cross)
          setMode('axes')
        }} />
    )
  if (!axes.cross) return null
  return (
    <AxesEditor view={view} cross={axes.cross} onChange={axes.change} onNudge={axes.nudge} onCommit={axes.commit} />
  )
}
