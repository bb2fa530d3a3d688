import type { Effect, HowMade, PersonStep, PlanStep, PlanVersion, ToolTried, TraceLine } from '../../api/plan'

type Because = NonNullable<PlanVersion['because']>

/** A step that is done, as the server tells it; a test says what differs. */
export const step = (tool: string, needs: string[], gives: string[], more: Partial<PlanStep> = {}): PlanStep => ({
  tool, version: '1', title: tool, by: '', needs, gives, queue: 'cpu', timeout_s: 60, cost_s: 1, takes: {}, depends_on: [],
  done_already: false, state: 'done', task_id: `task ${tool}`, reused: false, attempts: 1, seconds: 0.5, cause: null,
  message: '', outputs: {}, started_at_s: 0, ended_at_s: 1, set_aside: null, ...more,
})

export const because = (kind: Because['kind'], more: Partial<Because> = {}): Because => ({
  kind, replaces: [], tool: '', cause: '', message: '', fact: '', giver: '', set_aside: [], ...more,
})

export const version = (number: number, nodes: PlanStep[], more: Partial<PlanVersion> = {}): PlanVersion => ({
  plan_id: `plan ${number}`, version: number, goal: 'publish', wants: ['published'], why: 'news', because: because('news'),
  state: 'done', ended_why: '', created_at: '2026-11-24T08:00:00Z', ended_at: null, at_s: number, ended_at_s: number + 1,
  facts: {}, set_aside: {}, cost_s: 1, nodes, rejected: [], missing: [], ...more,
})

export const line = (kind: TraceLine['kind'], more: Partial<TraceLine> = {}): TraceLine => ({
  at_s: 0, kind, tool: null, step: '', state: null, outcome: '', cause: null, plan_version: 1, seconds: null, key: null,
  receipt: null, ...more,
})

export const effect = (more: Partial<Effect> = {}): Effect => ({
  key: 'store_sr:PACS:1.2.3', kind: 'store_sr', what: { node: 'PACS', sop_uid: '1.2.3' }, tool: 'report', plan_version: 1,
  state: 'waiting', attempts: 0, last_error: '', next_at: null, receipt: {}, created_at: '2026-11-24T08:00:00Z', done_at: null,
  created_at_s: 2, done_at_s: null, ...more,
})

export const tried = (fact: string, tool: string, more: Partial<ToolTried> = {}): ToolTried => ({
  fact, tool, version: '1', title: tool, by: '', verdict: 'done', cause: null, message: '', lacks: [], seconds: 1, cost_s: 1,
  ...more,
})

export const reader = (more: Partial<PersonStep> = {}): PersonStep => ({
  act: 'read', needs: ['published'], gives: ['signed'], state: 'waiting', by: null, at: null, at_s: null, missing: ['Sign'],
  ...more,
})

export const account = (plans: PlanVersion[], more: Partial<HowMade> = {}): HowMade => ({
  subject: '1.2.3', started_at: '2026-11-24T08:00:00Z', seconds: 1, plans, tasks: [], tools: [], trace: [], effects: [],
  study: { patient_name: 'Phantom^A', patient_id: 'PH-1', description: '', study_date: '', state: 'ready', state_reason: '' },
  round: null, titles: { facts: { chosen: 'the series to read' }, goals: { publish: 'result of the complete study' } },
  people: [], last_image_at_s: 0, ready_at_s: null, ...more,
})

/** Went back once for a bad choice of series, and once more because a tool was down. */
export function eventful(): HowMade {
  const check = step('check', ['images'], ['verdicts'])
  const bad = step('choose', ['verdicts'], ['chosen'], { takes: { verdicts: 'check' }, set_aside: 'mask too small' })
  const good = step('choose_next', ['verdicts'], ['chosen'], { takes: { verdicts: 'check' } })
  const failed = { state: 'failed', cause: 'contract_violated', message: 'mask too small' } as const
  const lungs = (from: string, more: Partial<PlanStep> = {}) =>
    step('lungs', ['chosen'], ['mask'], { takes: { chosen: from }, task_id: `lungs of ${from}`, ...more })
  const int8 = step('int8', ['mask'], ['findings'], {
    takes: { mask: 'lungs' }, by: 'INT8', state: 'failed', cause: 'tool_down', message: 'self-test differs',
  })
  const fp32 = step('fp32', ['mask'], ['findings'], { takes: { mask: 'lungs' }, by: 'fp32' })
  const publish = (from: string, more: Partial<PlanStep> = {}) =>
    step('publish', ['findings'], ['published'], { takes: { findings: from }, ...more })
  const open = { state: 'not_run', task_id: null } as const
  return account([
    version(1, [check, bad, lungs('choose', failed), publish('int8', open)], { state: 'given_up' }),
    version(2, [check, good, lungs('choose_next'), int8, publish('int8', open)], {
      state: 'given_up',
      because: because('back_track', {
        replaces: [1], tool: 'lungs', cause: 'contract_violated', message: 'mask too small', fact: 'chosen', giver: 'choose',
        set_aside: ['choose'],
      }),
    }),
    version(3, [check, good, lungs('choose_next'), fp32, publish('fp32')], {
      because: because('other_tool', { replaces: [2], tool: 'int8', cause: 'tool_down', message: 'self-test differs' }),
      rejected: [{ fact: 'findings', tool: 'torch', version: '1', title: 'torch', by: 'Torch', why: 'down', message: 'not installed', lacks: [], cost_s: null }],
    }),
    version(4, [step('report', ['published'], ['report'])], { goal: 'report', because: because('news') }),
  ])
}
