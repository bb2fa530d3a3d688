import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { fetchMe, meKey } from '../api/session'
import { studyQuery } from '../api/study'
import { Failed } from './Failed'
import { queries } from './queries'
import { Root } from './Root'
import { NotFoundPage } from './pages/NotFoundPage'
import { WorklistPage } from './pages/WorklistPage'

const rootRoute = createRootRoute({ component: Root, errorComponent: Failed, notFoundComponent: NotFoundPage })

/** Nobody sees a page of patients without being signed in. */
const signedIn = async ({ location }: { location: { href: string } }) => {
  const me = await queries.ensureQueryData({ queryKey: meKey, queryFn: fetchMe })
  // The router's own way of leaving a load.
  // oxlint-disable-next-line no-throw-literal
  if (!me) throw redirect({ to: '/login', search: { next: location.href } })
}

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search['next'] === 'string' ? { next: search['next'] } : {},
  component: lazyRouteComponent(() => import('./pages/LoginPage'), 'LoginPage'),
})

const worklistRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: signedIn,
  component: WorklistPage,
})

export const studyRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/study/$studyUid',
  beforeLoad: signedIn,
  loader: ({ params }) => {
    void queries.prefetchQuery(studyQuery(params.studyUid))
  },
  component: lazyRouteComponent(() => import('./pages/ReadingPage'), 'ReadingPage'),
})

const learningRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/learning',
  beforeLoad: signedIn,
  component: lazyRouteComponent(() => import('./pages/LearningPage'), 'LearningPage'),
})

/** Which version and which step are shown. */
const planSearch = (search: Record<string, unknown>): { plan?: number; step?: string } => {
  const version = Number(search['plan'])
  return {
    ...(Number.isInteger(version) && version > 0 && { plan: version }),
    ...(typeof search['step'] === 'string' && { step: search['step'] }),
  }
}

const studyPlanRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/study/$studyUid/plan',
  beforeLoad: signedIn,
  validateSearch: planSearch,
  component: lazyRouteComponent(() => import('./pages/PlanPage'), 'StudyPlanPage'),
})

const roundPlanRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/learning/rounds/$roundId/plan',
  beforeLoad: signedIn,
  validateSearch: planSearch,
  component: lazyRouteComponent(() => import('./pages/PlanPage'), 'RoundPlanPage'),
})

export const router = createRouter({
  routeTree: rootRoute.addChildren([loginRoute, worklistRoute, studyRoute, studyPlanRoute, learningRoute, roundPlanRoute]),
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
  interface HistoryState {
    /** The page one came from, for the way back. */
    from?: 'worklist' | 'study' | 'learning'
  }
}
