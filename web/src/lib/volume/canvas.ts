import type { Grid } from '../geometry/grid'
import { toWorld } from '../geometry/grid'
import type { Vec3 } from '../geometry/vec'
import { worldToCanvas, type View } from '../geometry/view'
import type { PlaneImage } from './reformat'

/** Paints HU through a grey table into a canvas of the image's own size. */
export function paintGrey(canvas: HTMLCanvasElement, image: PlaneImage, table: Uint8ClampedArray) {
  if (canvas.width !== image.width) canvas.width = image.width
  if (canvas.height !== image.height) canvas.height = image.height
  const context = canvas.getContext('2d', { alpha: false })
  if (!context) return
  const pixels = context.createImageData(image.width, image.height)
  const words = new Uint32Array(pixels.data.buffer)
  for (let n = 0; n < image.hu.length; n += 1) {
    const grey = table[(image.hu[n] as number) + 32768] as number
    words[n] = 0xff000000 | (grey << 16) | (grey << 8) | grey
  }
  context.putImageData(pixels, 0, 0)
}

/** Where the image's top left pixel lies: the grid corner that the screen shows first. */
function firstPixel(grid: Grid, view: View): Vec3 {
  const corner: [number, number, number] = [0, 0, 0]
  const { plane } = view
  if (plane.flipAcross) corner[plane.across] = grid.size[plane.across] - 1
  if (plane.flipDown) corner[plane.downward] = grid.size[plane.downward] - 1
  return toWorld(grid, corner)
}

/** Draws a grey image into a viewport: pixel centres land where `worldToCanvas` says they lie. */
export function place(target: HTMLCanvasElement, grey: HTMLCanvasElement, grid: Grid, view: View) {
  const ratio = globalThis.devicePixelRatio || 1
  const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)]
  if (target.width !== width) target.width = width
  if (target.height !== height) target.height = height
  const context = target.getContext('2d', { alpha: false })
  if (!context) return
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.fillStyle = 'black'
  context.fillRect(0, 0, width, height)
  const [stepX, stepY] = [
    grid.spacing[view.plane.across] * view.pxPerMm,
    grid.spacing[view.plane.downward] * view.pxPerMm,
  ]
  const [x, y] = worldToCanvas(view, firstPixel(grid, view))
  context.imageSmoothingEnabled = true
  context.imageSmoothingQuality = 'high'
  context.setTransform(stepX * ratio, 0, 0, stepY * ratio, (x - stepX / 2) * ratio, (y - stepY / 2) * ratio)
  context.drawImage(grey, 0, 0)
}
