/** What a key or a pointer means now. One table, a test per row. */
export type Mode = 'read' | 'reject' | 'axes' | 'add' | 'measure' | 'sign' | 'help'
export type ModeAct = 'reject' | 'axes' | 'add' | 'measure' | 'sign' | 'help' | 'back' | 'done'

const fromRead = {
  reject: 'reject',
  axes: 'axes',
  add: 'add',
  measure: 'measure',
  sign: 'sign',
  help: 'help',
} as const

export const transitions: Record<Mode, Partial<Record<ModeAct, Mode>>> = {
  read: fromRead,
  reject: { ...fromRead, reject: 'read', back: 'read', done: 'read' },
  axes: { ...fromRead, axes: 'read', back: 'read', done: 'read' },
  add: { ...fromRead, add: 'read', back: 'read', done: 'read' },
  measure: { ...fromRead, measure: 'read', back: 'read', done: 'axes' },
  sign: { back: 'read', help: 'help', done: 'read' },
  help: { help: 'read', back: 'read' },
}

/** The next mode; an act that means nothing here changes nothing. */
export const nextMode = (mode: Mode, act: ModeAct): Mode => transitions[mode][act] ?? mode
