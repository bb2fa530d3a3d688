import { useEffect, useRef, type RefObject } from 'react'
import { planeOf } from '../geometry/planes'
import { sliceIndex, type View } from '../geometry/view'
import { paintGrey, place } from './canvas'
import { reformat } from './reformat'
import { useVolume } from './store'
import type { Volume } from './volume'
import { greyTable, presets } from './window'

const lung = greyTable(presets.lung)

/** Whether every slice that `mm` around the view's middle needs is here. */
function here(volume: Volume, view: View, mm: number): boolean {
  const { grid } = volume.series
  const middle = sliceIndex(grid, planeOf(grid, 'axial'), view.centre)
  const reach = view.plane.through === 2 ? 0 : Math.ceil(mm / 2 / grid.spacing[2])
  for (let k = Math.max(0, middle - reach); k <= Math.min(volume.count - 1, middle + reach); k += 1)
    if (!volume.slices[k]) return false
  return true
}

/** A canvas with the plane through a view's middle in lung window, drawn once its slices are here. */
export function usePlaneCanvas(view: View | null, mm: number): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null)
  const drawn = useRef('')
  const { volume, loaded } = useVolume()
  useEffect(() => {
    const target = canvas.current
    if (!target || !volume || !view) return
    const name = `${view.centre.join(' ')} ${view.width} ${view.height} ${view.pxPerMm} ${volume.series.seriesUid}`
    if (drawn.current === name || !here(volume, view, mm)) return
    const { grid } = volume.series
    const grey = document.createElement('canvas')
    paintGrey(grey, reformat(volume, view.plane, sliceIndex(grid, view.plane, view.centre)), lung)
    place(target, grey, grid, view)
    drawn.current = name
  }, [volume, view, loaded, mm])
  return canvas
}
