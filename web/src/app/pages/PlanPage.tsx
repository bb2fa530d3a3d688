import { useNavigate, useParams, useRouter, useRouterState, useSearch } from '@tanstack/react-router'
import { useHowMade, type SubjectKind } from '../../api/plan'
import { PlanBar } from '../../features/plan/PlanBar'
import { PlanFailed, PlanLoading, PlanView } from '../../features/plan/PlanView'
import { useKeys } from '../../lib/keys/useKeys'
import { words } from '../../words'
import { MainBar } from './MainBar'
import page from './WorklistPage.module.css'

const { pages } = words
const names = { worklist: pages.worklist, study: pages.study, learning: pages.learning } as const

interface Props {
  readonly kind: SubjectKind
  readonly id: string
  readonly from: '/study/$studyUid/plan' | '/learning/rounds/$roundId/plan'
}

/** How a result was made; version and step stand in the address, so that both can be shared. */
function PlanPage({ kind, id, from }: Props) {
  const { plan, step } = useSearch({ from })
  const came = useRouterState({ select: ({ location }) => location.state.from })
  const navigate = useNavigate()
  const router = useRouter()
  const asked = useHowMade(kind, id)
  const made = asked.data
  const version = made?.plans.find((one) => one.version === plan)?.version ?? made?.plans.at(-1)?.version ?? null
  const home = kind === 'study' ? 'worklist' : 'learning'
  const show = (search: { plan?: number; step?: string }) => void navigate({ to: '.', search, replace: true, state: true })
  const back = () => {
    // Where one came from stands one step back; a shared link has nothing behind it.
    if (came) router.history.back()
    else void navigate({ to: kind === 'study' ? '/' : '/learning' })
  }
  useKeys({ back })
  return (
    <div className={page['page']}>
      <MainBar keys="plan" />
      <PlanBar made={made} version={version} backTo={names[came ?? home]} onBack={back} onVersion={(next) => show({ plan: next })} />
      <main className={page['main']}>
        {asked.isPending && <PlanLoading />}
        {asked.isError && !made && <PlanFailed fault={asked.error} onRetry={() => void asked.refetch()} />}
        {made && (
          <PlanView made={made} version={version ?? 0} selected={step ?? null}
            onSelect={(next) => show({ ...(plan !== undefined && { plan }), ...(next !== null && { step: next }) })} />
        )}
      </main>
    </div>
  )
}

export function StudyPlanPage() {
  const from = '/study/$studyUid/plan'
  const { studyUid } = useParams({ from })
  return <PlanPage kind="study" id={studyUid} from={from} />
}

export function RoundPlanPage() {
  const from = '/learning/rounds/$roundId/plan'
  const { roundId } = useParams({ from })
  return <PlanPage kind="round" id={roundId} from={from} />
}
