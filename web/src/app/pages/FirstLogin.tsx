import { Button, PasswordInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState } from 'react'
import { Refused } from '../../api/problem'
import { firstLogin, meKey } from '../../api/session'
import { words } from '../../words'
import { Gate } from './Gate'

const say = (fault: unknown): string => {
  if (!(fault instanceof Refused)) return words.login.unreachable
  return fault.problem.status === 422 ? fault.problem.detail : words.login.spent
}

/** A one-time link sets the first password. */
export function FirstLogin({ token }: { readonly token: string }) {
  const queries = useQueryClient()
  const router = useRouter()
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const differ = again !== '' && again !== password
  const set = useMutation({
    mutationFn: () => firstLogin(token, password),
    onSuccess: (me) => {
      queries.setQueryData(meKey, me)
      router.history.replace('/')
    },
  })
  return (
    <Gate title={words.login.firstTitle} problem={set.error && say(set.error)} onSubmit={() => differ || set.mutate()}>
      <p>{words.login.firstText}</p>
      <PasswordInput label={words.login.choose} value={password} autoComplete="new-password" required withAsterisk={false} minLength={10}
        onChange={(event) => setPassword(event.currentTarget.value)} />
      <PasswordInput label={words.login.again} value={again} autoComplete="new-password" required withAsterisk={false}
        onChange={(event) => setAgain(event.currentTarget.value)} error={differ && words.login.differ} />
      <Button type="submit" variant="filled" loading={set.isPending}>
        {words.login.set}
      </Button>
    </Gate>
  )
}
