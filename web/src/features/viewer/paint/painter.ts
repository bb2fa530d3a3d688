import type { Vec3 } from '../../../lib/geometry/vec'
import type { View } from '../../../lib/geometry/view'
import type { Window } from '../../../lib/volume/window'

/** What one viewport is to show. */
export interface Picture {
  readonly view: View
  /** A point of the slice that is shown. */
  readonly depth: Vec3
  readonly window: Window
  /** Thickness of a maximum intensity slab; 0 = one slice. */
  readonly slabMm: number
}

/** Turns pictures into pixels. Cornerstone where there is a GPU, plain canvas where there is none;
 * everything else on the page is the same, for places are computed outside of both. */
export interface Painter {
  readonly kind: 'webgl' | 'cpu'
  /** Puts a canvas into the element. */
  readonly mount: (id: string, element: HTMLDivElement) => void
  readonly draw: (id: string, picture: Picture) => void
  readonly unmount: (id: string) => void
  readonly dispose: () => void
}
