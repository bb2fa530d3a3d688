/** What a key or a pointer means now. One table, a test per row. */
export type Mode = 'read' | 'reject' | 'axes' | 'add' | 'measure' | 'sign' | 'help' | 'helpOnSign'
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
  sign: { back: 'read', axes: 'axes', help: 'helpOnSign', done: 'read' },
  help: { help: 'read', back: 'read' },
  helpOnSign: { help: 'sign', back: 'sign' },
}

/** The report stands on the page instead of the images, also below the keys. */
export const onReport = (mode: Mode): boolean => mode === 'sign' || mode === 'helpOnSign'

/** The next mode; an act that means nothing here changes nothing. */
export const nextMode = (mode: Mode, act: ModeAct): Mode => transitions[mode][act] ?? mode
