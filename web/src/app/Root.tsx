import { Outlet } from '@tanstack/react-router'
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
  useLiveUpdates(user !== undefined)
  useEffect(() => (user === undefined ? undefined : new Sender(queries, user).start()), [queries, user])
  return (
    <>
      <Outlet />
      <Announcer />
    </>
  )
}
