import { context } from './en.context'
import { findings } from './en.findings'
import { learning } from './en.learning'
import { report } from './en.report'
import { plan } from './en.plan'
import { viewer } from './en.viewer'
import { worklist } from './en.worklist'

/** All English strings stand in this folder, so that another language is one more set of files. */
export const en = {
  product: 'Triage',
  researchOnly: 'Research use only',
  authOff: 'Sign-in is off on this machine',
  absent: '—',
  unknown: 'not known',
  live: 'Live',
  notLive: 'Not live',
  loading: 'Loading',
  tryAgain: 'Try again',
  back: 'Back',
  close: 'Close',
  signOut: 'Sign out',
  keys: 'keys',
  pages: { worklist: 'Worklist', reading: 'Reading', study: 'Study', learning: 'Learning' },
  login: {
    title: 'Sign in',
    name: 'Name',
    password: 'Password',
    enter: 'Sign in',
    wrong: 'Name or password is wrong.',
    unreachable: 'The server does not answer. Nothing was sent.',
    firstTitle: 'First sign-in',
    firstText: 'This link works once. Choose the password you will sign in with.',
    choose: 'New password, at least 10 characters',
    again: 'New password again',
    differ: 'The two passwords differ.',
    set: 'Set password and sign in',
    spent: 'This link was used or has run out. An administrator can make a new one.',
  },
  failed: {
    title: 'This page could not be shown',
    safe: 'Decisions already saved are on the server.',
    mend: 'Load the page again; if it stays, tell the administrator what stands below.',
  },
  context,
  worklist,
  viewer,
  findings,
  report,
  learning,
  plan,
  notFound: {
    title: 'There is no page at this address',
    text: 'The address may be cut off or mistyped. Nothing was changed.',
  },
}

export type Words = typeof en
