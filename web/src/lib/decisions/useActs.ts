import { useMemo } from 'react'
import type { ContextIn, Decision, Finding, Study } from '../../api/types'
import type { Vec3 } from '../geometry/vec'
import { afterDecision, type Act } from './acts'
import { enqueue } from './queue'

type Body = Omit<Decision, 'base_version'>

/** What every finding was before each of this page's acts on it, for showing an undo at once. */
const befores = new Map<string, Finding[]>()

const newKey = () => crypto.randomUUID()

/** A finding the reader just made, until the server names it. */
function newFinding(study: Study, findings: readonly Finding[], body: { series_uid: string; center_lps_mm: Vec3 }, by: string, at: string): Finding {
  return {
    finding_id: `local:${newKey()}`,
    study_uid: study.study_uid,
    number: Math.max(0, ...findings.map((finding) => finding.number)) + 1,
    version: 1,
    state: 'added',
    reject_reason: null,
    ...body,
    center_lps_mm: [...body.center_lps_mm],
    long_mm: null, short_mm: null, mean_mm: null, long_axis_lps_mm: null, short_axis_lps_mm: null,
    volume_mm3: null, long_interval_mm: null, short_interval_mm: null, volume_interval_mm3: null, solid_long_mm: null, solid_short_mm: null, solidity: null, calcification: null,
    margin: null, juxtapleural_shape: null, lobe: null, probability: null, status: 'baseline',
    prior_tracking_uid: null, tracking_uid: '', model_version: '', key_sop_uid: null, proposed: {},
    decided_by: by, decided_at: at, can_undo: true,
  }
}

/** The finding whose last act is this reader's latest one. */
export const lastActed = (findings: readonly Finding[], user: string): Finding | null =>
  findings
    .filter((finding) => finding.can_undo && finding.decided_by === user && finding.decided_at)
    .toSorted((a, b) => (a.decided_at ?? '').localeCompare(b.decided_at ?? ''))
    .at(-1) ?? null

export interface Acts {
  readonly decide: (finding: Finding, body: Body) => void
  readonly add: (seriesUid: string, center: Vec3) => Finding
  readonly undo: () => Finding | null
  readonly answer: (body: ContextIn) => void
}

/** The reader's acts on one study: shown at once, sent by the queue. */
export function useActs(study: Study | undefined, findings: readonly Finding[], user: string): Acts | null {
  return useMemo(() => {
    if (!study) return null
    const studyUid = study.study_uid
    const put = (act: Act, shown: Finding | null, baseVersion: number, at: string) =>
      enqueue({
        key: newKey(), user, studyUid, act, at, baseVersion, shown,
        state: 'waiting', current: null, problem: null,
      })
    const decide = (finding: Finding, body: Body) => {
      const at = new Date().toISOString()
      const stack = befores.get(finding.finding_id) ?? []
      const before = body.decision === 'retract' ? (stack.pop() ?? null) : null
      if (body.decision !== 'retract') stack.push(finding)
      befores.set(finding.finding_id, stack)
      const shown = afterDecision(finding, body, before, user, at)
      put({ kind: 'decide', findingId: finding.finding_id, body }, shown, finding.version, at)
    }
    return {
      decide,
      add: (series_uid, center_lps_mm) => {
        const at = new Date().toISOString()
        const body = { series_uid, center_lps_mm }
        const made = newFinding(study, findings, body, user, at)
        const place: [number, number, number] = [...center_lps_mm]
        put({ kind: 'add', findingId: made.finding_id, body: { series_uid, center_lps_mm: place } }, made, 1, at)
        return made
      },
      undo: () => {
        const last = lastActed(findings, user)
        if (last) decide(last, { decision: 'retract' })
        return last
      },
      answer: (body) => put({ kind: 'context', body }, null, 0, new Date().toISOString()),
    }
  }, [study, findings, user])
}
