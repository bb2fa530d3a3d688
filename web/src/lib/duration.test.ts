import { expect, it } from 'vitest'
import { duration } from './duration'

it.each([
  [0, '0.0 s'], [0.001, '< 0.01 s'], [0.02, '0.02 s'], [0.94, '0.9 s'], [59.9, '59.9 s'], [59.96, '1:00 min'],
  [185, '3:05 min'], [3600, '1:00:00 h'], [4325.4, '1:12:05 h'], [-2.5, '−2.5 s'],
])('%d seconds are %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words)
})
