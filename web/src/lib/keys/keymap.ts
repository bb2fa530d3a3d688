/** The one key map (contract, "Keys in the review page"). A key may name several acts: the part of
 * the page that was opened last and knows one of them takes it, so digits are reasons right after X
 * and presets otherwise. */
export const keymap = {
  accept: ['a'],
  reject: ['x'],
  axes: ['e'],
  add: ['+', '='],
  measure: ['b'],
  undo: ['u', 'ctrl+z', 'meta+z'],
  next: ['n'],
  previous: ['p'],
  sliceUp: ['arrowup', 'arrowleft'],
  sliceDown: ['arrowdown', 'arrowright'],
  pageUp: ['pageup'],
  pageDown: ['pagedown'],
  top: ['home'],
  bottom: ['end'],
  rowUp: ['arrowup'],
  rowDown: ['arrowdown'],
  nodeLeft: ['arrowleft'],
  nodeRight: ['arrowright'],
  nodeUp: ['arrowup'],
  nodeDown: ['arrowdown'],
  soft: ['1'],
  lung: ['2'],
  bone: ['3'],
  mediastinum: ['4'],
  mip: ['m'],
  thinner: ['['],
  thicker: [']'],
  hide: ['h'],
  crosshair: ['g'],
  fit: [' ', '0'],
  sign: ['enter'],
  done: ['enter'],
  open: ['enter'],
  claim: ['c'],
  search: ['/'],
  back: ['escape'],
  help: ['?'],
  reason1: ['1'],
  reason2: ['2'],
  reason3: ['3'],
  reason4: ['4'],
  reason5: ['5'],
  reason6: ['6'],
  reason7: ['7'],
  reason8: ['8'],
} as const satisfies Record<string, readonly string[]>

export type ActName = keyof typeof keymap

const stored = 'triage.keys'

/** Keys of an act: the reader's own choice when there is one. */
export function keysOf(act: ActName): readonly string[] {
  try {
    const own = JSON.parse(localStorage.getItem(stored) ?? '{}') as Partial<Record<ActName, string[]>>
    return own[act] ?? keymap[act]
  } catch {
    return keymap[act]
  }
}

/** The name of a key press: `ctrl+z`, `enter`, `?`. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey'>): string {
  const key = event.key.toLowerCase()
  if (event.ctrlKey) return `ctrl+${key}`
  return event.metaKey ? `meta+${key}` : key
}

const shown: Record<string, string> = {
  arrowup: '↑', arrowdown: '↓', arrowleft: '←', arrowright: '→', pageup: 'PgUp', pagedown: 'PgDn',
  home: 'Home', end: 'End', enter: 'Enter', escape: 'Esc', ' ': 'Space', 'ctrl+z': 'Ctrl-Z', 'meta+z': '⌘Z',
}

/** How a key is printed in a hint. */
export const keyLabel = (act: ActName): string => {
  const key = keysOf(act)[0] ?? ''
  return shown[key] ?? key.toUpperCase()
}
