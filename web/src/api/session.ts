import { useQuery } from '@tanstack/react-query'
import { client } from './client'
import { need, Refused } from './problem'
import type { Me } from './types'

export const meKey = ['me'] as const

/** Who is signed in; null = nobody. */
export const fetchMe = (): Promise<Me | null> =>
  need<Me>(client.GET('/api/me')).catch((fault: unknown) => {
    if (fault instanceof Refused && fault.problem.status === 401) return null
    throw fault
  })

export const useMe = () => useQuery({ queryKey: meKey, queryFn: fetchMe, staleTime: Infinity })

export const login = (name: string, password: string) =>
  need<Me>(client.POST('/api/login', { body: { name, password } }))

export const logout = () => need<void>(client.POST('/api/logout'))

export const firstLogin = (token: string, password: string) =>
  need<Me>(client.POST('/api/first-login', { body: { token, password } }))
