import { expect, it } from 'vitest'
import type { Context } from '../../api/types'
import { answersOf } from './useSigning'

const context = (fields: Record<string, unknown>) => fields as unknown as Context
const said = (value: unknown, by = 'reader') => ({ value, source: 'reader', by, at: '2026-11-24T08:00:00Z' })

it.each([
  [{ version: 1, purpose: said('other') }, { version: 4, purpose: said('other', 'second') }, true],
  [{ version: 1, purpose: said('other') }, { version: 1, purpose: said('screening_ldct') }, false],
  [{ version: 1, purpose: null }, { version: 2, purpose: said(null) }, true],
  [{ version: 1 }, { version: 2, known_lung_cancer: said(false) }, false],
])('answers are compared by what was said (%#)', (shown, now, same) =>
  expect(answersOf(context(shown)) === answersOf(context(now))).toBe(same),
)
