import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { Refused } from '../../api/problem'
import { login, meKey } from '../../api/session'
import { words } from '../../words'
import { FirstLogin } from './FirstLogin'
import { Gate, type GateProblem } from './Gate'

const say = (fault: unknown): GateProblem => {
  if (!(fault instanceof Refused)) return words.login.unreachable
  return fault.problem.status === 401 ? words.login.wrong : fault.problem.detail
}

/** Only a path of this page may follow a sign-in, never another site. */
const safeNext = (next: string | undefined): string => (next && /^\/(?!\/)/.test(next) ? next : '/')

/** The token stands behind `#`, so it is never sent in a request line or written to a log. */
const firstToken = (): string | null =>
  new URLSearchParams(globalThis.location.hash.replace(/^#/, '')).get('first')

export function LoginPage() {
  const [token] = useState(firstToken)
  return token ? <FirstLogin token={token} /> : <SignIn />
}

function SignIn() {
  const queries = useQueryClient()
  const router = useRouter()
  const { next } = useSearch({ from: '/login' })
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const enter = useMutation({
    mutationFn: () => login(name.trim(), password),
    onSuccess: async (me) => {
      queries.setQueryData(meKey, me)
      router.history.push(safeNext(next))
    },
  })
  return (
    <Gate title={words.login.title} problem={enter.error && say(enter.error)} onSubmit={() => enter.mutate()}>
      <TextInput label={words.login.name} value={name} onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="username" required withAsterisk={false} />
      <PasswordInput label={words.login.password} value={password} autoComplete="current-password" required withAsterisk={false}
        onChange={(event) => setPassword(event.currentTarget.value)} />
      <Button type="submit" variant="filled" loading={enter.isPending}>
        {words.login.enter}
      </Button>
    </Gate>
  )
}
