import { UnstyledButton } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useQueryClient } from '@tanstack/react-query'
import { UserRound } from 'lucide-react'
import { useState } from 'react'
import { useLive } from '../../api/live'
import { logout, useMe } from '../../api/session'
import { Bar, BarPart } from '../../components/Bar'
import { Key } from '../../components/Key'
import { LazyKeys } from '../../components/LazyKeys'
import { useKeys } from '../../lib/keys/useKeys'
import { words } from '../../words'
import styles from './MainBar.module.css'

/** The bar of the pages outside a study: name, pages, live, who is signed in. */
export function MainBar({ keys = 'worklist' }: { readonly keys?: 'worklist' | 'plan' }) {
  const { data: me } = useMe()
  const connected = useLive((live) => live.connected)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [help, setHelp] = useState(false)
  useKeys({ help: () => setHelp(true) })
  const leave = async () => {
    await logout()
    queries.clear()
    await navigate({ to: '/login' })
  }
  const end = (
    <>
      <BarPart>
        <span className={styles['dot']} data-connected={connected || undefined} aria-hidden />
        <span data-live={connected}>{connected ? words.live : words.notLive}</span>
      </BarPart>
      <BarPart>
        <UserRound size={14} aria-hidden />
        <span className={styles['name']}>{me?.display_name}</span>
        {me?.auth === 'on' && (
          <UnstyledButton className={styles['link'] ?? ''} onClick={() => void leave()}>
            {words.signOut}
          </UnstyledButton>
        )}
      </BarPart>
      <BarPart>
        <UnstyledButton className={styles['keys'] ?? ''} onClick={() => setHelp(true)}>
          <Key act="help" /> {words.keys}
        </UnstyledButton>
      </BarPart>
    </>
  )
  return (
    <>
      <Bar end={end}>
        <strong className={styles['product']}>{words.product}</strong>
        <nav className={styles['pages']}>
          <Link to="/" className={styles['page'] ?? ''} activeProps={{ 'aria-current': 'page' }}>
            {words.pages.worklist}
          </Link>
          {me?.permissions.includes('see_learning') && (
            <Link to="/learning" className={styles['page'] ?? ''} activeProps={{ 'aria-current': 'page' }}>
              {words.pages.learning}
            </Link>
          )}
        </nav>
      </Bar>
      <LazyKeys opened={help} onClose={() => setHelp(false)} page={keys} />
    </>
  )
}
