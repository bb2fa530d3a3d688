import { useEffect, useRef } from 'react'
import { keyName, keysOf, type ActName } from './keymap'

type Handler = (event: KeyboardEvent) => void
export type Handlers = Partial<Record<ActName, Handler>>

interface Layer {
  readonly handlers: () => Handlers
}

const layers: Layer[] = []

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || target.matches('input:not([type=radio], [type=checkbox]), textarea, select'))

/** A focused control keeps the keys it answers to itself. */
function keptByControl(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.matches('input[type=radio]')) return key.startsWith('arrow') || key === ' '
  const activates = key === 'enter' || key === ' '
  return activates && target.matches('button, a[href]') && target.matches(':focus-visible')
}

/** Keys pressed inside a dialog are the dialog's: Esc closes it and does not leave the page too, wherever the focus is yet. */
const isDialogs = (target: EventTarget | null, key: string): boolean =>
  (target instanceof Element && target.closest('[role=dialog]') !== null) ||
  (key === 'escape' && document.querySelector('[aria-modal=true]') !== null)

function dispatch(event: KeyboardEvent): void {
  const key = keyName(event)
  if (event.defaultPrevented || event.altKey || isDialogs(event.target, key)) return
  if (typing(event.target) && key !== 'escape') return
  if (keptByControl(event.target, key)) return
  for (const layer of layers.toReversed()) {
    for (const [act, handler] of Object.entries(layer.handlers()))
      if (handler && keysOf(act as ActName).includes(key)) {
        event.preventDefault()
        handler(event)
        return
      }
  }
}

/** Answers keys while mounted; the layer mounted last is asked first. */
export function useKeys(handlers: Handlers, enabled = true): void {
  const latest = useRef(handlers)
  useEffect(() => {
    latest.current = handlers
  })
  useEffect(() => {
    if (!enabled) return undefined
    const layer: Layer = { handlers: () => latest.current }
    if (layers.length === 0) globalThis.addEventListener('keydown', dispatch)
    layers.push(layer)
    return () => {
      layers.splice(layers.indexOf(layer), 1)
      if (layers.length === 0) globalThis.removeEventListener('keydown', dispatch)
    }
  }, [enabled])
}
