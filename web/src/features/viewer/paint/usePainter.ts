import { useEffect, useState } from 'react'
import type { Volume } from '../../../lib/volume/volume'
import { CpuPainter } from './cpu'
import type { Painter } from './painter'

/** The painter of the open volume. */
export function usePainter(volume: Volume | null): Painter | null {
  const [painter, setPainter] = useState<Painter | null>(null)
  useEffect(() => {
    if (!volume) return undefined
    const made = new CpuPainter(volume)
    // The painter is a thing outside React that must be made and let go with the volume.
    // oxlint-disable-next-line react/set-state-in-effect
    setPainter(made)
    return () => {
      made.dispose()
      setPainter(null)
    }
  }, [volume])
  return painter
}
