import { useCallback } from 'react'
import type { Finding, RejectReason } from '../../api/types'
import { reasonWord, saidOf, sizeWord } from '../../features/findings/describe'
import type { SolidPart } from '../../lib/decisions/solidPart'
import { useActs } from '../../lib/decisions/useActs'
import { axisLength, type Cross } from '../../lib/geometry/cross'
import { toVec3, type Vec3 } from '../../lib/geometry/vec'
import { act, jumpTo, say, setMode, useReading } from '../../lib/reading/store'
import { words } from '../../words'
import type { StudyNow } from './useStudy'

const { findings: said } = words

const pair = ([a, b]: readonly [Vec3, Vec3]): [[number, number, number], [number, number, number]] => [[...a], [...b]]

/** The finding after (or before) the selected one; the undecided ones do not come first: order is by score. */
export function stepFrom(findings: readonly Finding[], selected: string | null, step: 1 | -1): Finding | null {
  if (findings.length === 0) return null
  const at = findings.findIndex((finding) => finding.finding_id === selected)
  const to = at < 0 ? 0 : (at + step + findings.length) % findings.length
  return findings[to] ?? null
}

export const jumpToFinding = (finding: Finding) =>
  jumpTo({ finding_id: finding.finding_id, center_lps_mm: toVec3(finding.center_lps_mm) })

/** Everything a reader can do to findings. One input decides; the next undecided one follows by N. */
export function useDeciding({ study, findings, me, placed }: StudyNow) {
  const acts = useActs(study, findings, me?.name ?? '')
  const mayDecide = me?.permissions.includes('decide') ?? false
  const selectedId = useReading((reading) => reading.selected)
  const selected = findings.find((finding) => finding.finding_id === selectedId) ?? null
  const tell = useCallback((what: string, finding: Finding) => say(saidOf(what, finding, findings.length)), [findings])

  const accept = () => {
    if (!acts || !selected || !mayDecide || selected.state === 'confirmed') return
    acts.decide(selected, { decision: 'confirm' })
    setMode('read')
    tell(said.acts.confirm, selected)
  }
  const reject = (reason: RejectReason) => {
    setMode('read')
    if (!acts || !selected || !mayDecide) return
    acts.decide(selected, { decision: 'reject', reason })
    tell(said.acts.reject(reasonWord(reason)), selected)
  }
  const correct = useCallback(
    (finding: Finding, cross: Cross) => {
      if (!acts || !mayDecide) return
      acts.decide(finding, {
        decision: 'correct',
        long_axis_lps_mm: pair(cross.long),
        short_axis_lps_mm: pair(cross.short),
      })
      const [long_mm, short_mm] = [axisLength(cross.long), axisLength(cross.short)]
      tell(said.acts.correct(sizeWord({ long_mm, short_mm })), finding)
    },
    [acts, mayDecide, tell],
  )
  const setType = (solidity: NonNullable<Finding['solidity']>) => {
    if (!acts || !selected || !mayDecide) return
    acts.decide(selected, { decision: 'correct', solidity })
    tell(said.acts.type(said.solidity[solidity] ?? ''), selected)
  }
  const setSolid = (finding: Finding, { long_mm, short_mm }: SolidPart) => {
    if (!acts || !mayDecide) return
    acts.decide(finding, { decision: 'correct', solid_long_mm: long_mm, solid_short_mm: short_mm })
    const { solid } = words.report
    tell(long_mm === null ? solid.cleared : solid.said(sizeWord({ long_mm, short_mm })), finding)
  }
  const add = (world: Vec3) => {
    if (!acts || !placed || !mayDecide) return
    const made = acts.add(placed.seriesUid, world)
    jumpTo({ finding_id: made.finding_id, center_lps_mm: world })
    setMode('read')
    tell(said.acts.add, made)
  }
  const undo = () => {
    const undone = mayDecide ? acts?.undo() : null
    if (undone) tell(said.acts.retract, undone)
    else say(said.nothingToUndo)
  }
  const step = (by: 1 | -1) => {
    const to = stepFrom(findings, selectedId, by)
    if (to) jumpToFinding(to)
  }
  return {
    accept, reject, correct, setType, setSolid, add, undo, step, mayDecide, selected,
    startReject: () => selected && mayDecide && act('reject'),
    startAxes: () => selected && mayDecide && (jumpToFinding(selected), act('axes')),
    startAdd: () => mayDecide && act('add'),
    startMeasure: () => selected && mayDecide && (jumpToFinding(selected), act('measure')),
    answer: acts?.answer ?? (() => undefined),
  }
}
