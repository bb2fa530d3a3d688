import { useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { keysOf } from '../../lib/keys/keymap'
import { useKeys } from '../../lib/keys/useKeys'
import { onReport } from '../../lib/reading/mode'
import { act, hideDown, hideUp, useReading } from '../../lib/reading/store'
import type { useDeciding } from './useDeciding'

/** Keys of the reading page that decide and finish; those of the images are the viewer's. */
export function useReadingKeys(deciding: ReturnType<typeof useDeciding>, onSign: () => void): void {
  const navigate = useNavigate()
  const mode = useReading((reading) => reading.mode)
  // Before the report or the list of keys nothing is decided by a stray key: that wants the images.
  const decides = !onReport(mode) && mode !== 'help' && {
    accept: deciding.accept,
    reject: deciding.startReject,
    add: deciding.startAdd,
    measure: deciding.startMeasure,
  }
  useKeys({
    ...decides,
    axes: deciding.startAxes,
    undo: deciding.undo,
    next: () => deciding.step(1),
    previous: () => deciding.step(-1),
    hide: (event) => event.repeat || hideDown(),
    help: () => act('help'),
    sign: () => (mode === 'sign' ? onSign() : act('sign')),
    back: () => (mode === 'read' ? void navigate({ to: '/' }) : act('back')),
  })
  useEffect(() => {
    const up = (event: KeyboardEvent) => keysOf('hide').includes(event.key.toLowerCase()) && hideUp()
    globalThis.addEventListener('keyup', up)
    globalThis.addEventListener('blur', hideUp)
    return () => {
      globalThis.removeEventListener('keyup', up)
      globalThis.removeEventListener('blur', hideUp)
    }
  }, [])
}
