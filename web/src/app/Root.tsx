import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { useLiveUpdates } from '../api/live'
import { useMe } from '../api/session'
import { Sender } from '../lib/decisions/send'
import { Announcer } from '../components/Announcer'

/** What lives as long as the page: the line of changes and the sender of decisions. */
export function Root() {
  const { data: me } = useMe()
  const queries = useQueryClient()
  const user = me?.name
  const navigate = useNavigate()
  const href = useRouterState({ select: (state) => state.location.href })
  useLiveUpdates(user !== undefined)
  useEffect(() => (user === undefined ? undefined : new Sender(queries, user).start()), [queries, user])
  // The session ended: what was decided is kept on this computer and sent after signing in again.
  useEffect(() => {
    if (me === null && !href.startsWith('/login')) void navigate({ to: '/login', search: { next: href } })
  }, [me, href, navigate])
  return (
    <>
      <Outlet />
      <Announcer />
    </>
  )
}
