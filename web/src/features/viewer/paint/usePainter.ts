import { useEffect, useState } from 'react'
import { useVolume } from '../../../lib/volume/store'
import type { Volume } from '../../../lib/volume/volume'
import { CpuPainter } from './cpu'
import { giveUpGpu, rendering } from './gpu'
import type { Painter } from './painter'

export interface Painting {
  readonly painter: Painter | null
  /** Plain canvas for good: no GPU here, or it was lost. Said on the image. */
  readonly cpuOnly: boolean
}

/**
 * Slices appear through plain canvas as they arrive: no large code, no texture that grows. Once the
 * volume is whole, Cornerstone takes over where there is a GPU; when that fails, canvas goes on.
 */
export function usePainter(volume: Volume | null): Painting {
  const [painter, setPainter] = useState<Painter | null>(null)
  const [lost, setLost] = useState(false)
  const whole = useVolume((opened) => opened.status === 'whole')
  const gpu = !lost && rendering() === 'webgl'
  const useGpu = gpu && whole && volume?.series.regular === true

  useEffect(() => {
    if (!volume) return undefined
    let current: Painter | null = null
    let left = false
    const take = (made: Painter) => {
      current = made
      setPainter(made)
    }
    const fallBack = () => {
      giveUpGpu()
      setLost(true)
    }
    if (useGpu)
      import('./cornerstone/painter')
        .then(({ CornerstonePainter }) => left || take(new CornerstonePainter(volume, fallBack)))
        .catch(fallBack)
    else take(new CpuPainter(volume))
    return () => {
      left = true
      // The next painter is in place before this one lets go.
      if (current?.kind === 'webgl') queueMicrotask(() => current?.dispose())
    }
  }, [volume, useGpu])
  return { painter: volume ? painter : null, cpuOnly: !gpu }
}
