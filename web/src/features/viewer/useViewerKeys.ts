import type { Grid } from '../../lib/geometry/grid'
import { planeOf } from '../../lib/geometry/planes'
import { useKeys, type Handlers } from '../../lib/keys/useKeys'
import { setWindow, thicken, toggleCrosshair, toggleMip } from '../../lib/reading/store'
import { presets } from '../../lib/volume/window'
import { scrollBy, scrollToEnd } from './scroll'
import { fitAll } from './views'

const page = 10
const slabStep = 1

/** Keys that change what is looked at. */
export function useViewerKeys(grid: Grid | null): void {
  const scroll = (steps: number) => () => grid && scrollBy(grid, planeOf(grid, 'axial'), steps)
  const end = (which: 'top' | 'bottom') => () => grid && scrollToEnd(grid, planeOf(grid, 'axial'), which)
  const handlers: Handlers = {
    sliceUp: scroll(1),
    sliceDown: scroll(-1),
    pageUp: scroll(page),
    pageDown: scroll(-page),
    top: end('top'),
    bottom: end('bottom'),
    soft: () => setWindow(presets.soft),
    lung: () => setWindow(presets.lung),
    bone: () => setWindow(presets.bone),
    mediastinum: () => setWindow(presets.mediastinum),
    mip: toggleMip,
    thinner: () => thicken(-slabStep),
    thicker: () => thicken(slabStep),
    crosshair: toggleCrosshair,
    fit: fitAll,
  }
  useKeys(handlers)
}
