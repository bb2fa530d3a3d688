/** The only place where colours stand (look.md, section 2). Dark is the only reading theme. */
export const surfaces = {
  image: '#000000',
  canvas: '#0B0D10',
  panel: '#121519',
  raised: '#1A1E24',
  selected: '#222A35',
} as const

export const text = { 1: '#DDE1E6', 2: '#A8B0BA', 3: '#8A939E' } as const

export const lines = { control: '#6F7986', hair: '#2B313A' } as const

/** Signals are text or thin lines, never areas, and never stand without a word or a shape. */
export const signals = {
  mark: '#FFD666',
  done: '#6FCFAE',
  attention: '#FFA38C',
  prior: '#BBABFA',
  focus: '#8FBCFF',
} as const

export const filled = { back: '#24456F', text: '#E8F1FF' } as const

/** On pixels every line has a black halo and text lies on black 80 %. */
export const onImage = {
  text: '#E4E7EB',
  ground: 'rgba(0, 0, 0, 0.8)',
  halo: 'rgba(0, 0, 0, 0.75)',
} as const
