import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { studyKey, postSign, studyQuery } from '../../api/study'
import type { Context, Finding, Study } from '../../api/types'
import { fetchOpen, worklistKey } from '../../api/worklist'
import { words } from '../../words'

/** The studies to read, in order: where this one stands and which one comes next. */
export function useToRead(studyUid: string, me: string | undefined) {
  const { data } = useQuery({ queryKey: [...worklistKey, 'reading'], queryFn: fetchOpen, staleTime: 30_000 })
  const items = (data?.items ?? []).filter(
    ({ state, reader }) => state === 'ready' || (state === 'in_review' && (reader === null || reader === me)),
  )
  const at = items.findIndex((item) => item.study_uid === studyUid)
  const next = items.find((item, n) => n > at && item.study_uid !== studyUid) ?? items.find((item) => item.study_uid !== studyUid)
  return { at: at < 0 ? null : at + 1, total: items.length, next: next ?? null }
}

const looks = (finding: Finding) => `${finding.finding_id} ${finding.state} ${finding.version}`

/** Nobody signs what was not on the screen: findings that changed meanwhile stop the signature. */
function sameFindings(shown: readonly Finding[], now: Study): boolean {
  const before = shown.map(looks).toSorted().join('|')
  const after = now.findings.filter(({ state }) => state !== 'withdrawn').map(looks).toSorted().join('|')
  return before === after
}

/** Field and value of every answer; who gave it, and when, decides no category. */
export const answersOf = (context: Context): string =>
  JSON.stringify(
    Object.entries(context)
      .map(([field, answer]) => [field, typeof answer === 'object' ? (answer?.value ?? null) : null] as const)
      .filter(([, value]) => value !== null)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  )

interface Shown {
  readonly findings: readonly Finding[]
  readonly context: Context | undefined
}

export function useSigning(studyUid: string, { findings, context }: Shown, next: string | null) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: async () => {
      const now = await queries.fetchQuery({ ...studyQuery(studyUid), staleTime: 0 })
      if (!sameFindings(findings, now)) throw new Error(words.findings.sign.changed)
      if (!context || answersOf(context) !== answersOf(now.context)) throw new Error(words.findings.sign.contextChanged)
      const undecided = now.findings.some(({ state }) => state === 'pending')
      return postSign(studyUid, undecided ? 'dismissed' : null, now.seq)
    },
    onSuccess: async () => {
      void queries.invalidateQueries({ queryKey: worklistKey })
      void queries.invalidateQueries({ queryKey: studyKey(studyUid) })
      if (next) await navigate({ to: '/study/$studyUid', params: { studyUid: next } })
      else await navigate({ to: '/' })
    },
  })
}
