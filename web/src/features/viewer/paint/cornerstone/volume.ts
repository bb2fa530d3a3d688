import { cache, imageLoader, ImageVolume } from '@cornerstonejs/core'
import type { Types } from '@cornerstonejs/core'
import type { Volume } from '../../../../lib/volume/volume'

const mutable = (point: readonly number[]): Types.Point3 => [...point] as Types.Point3

/** Cornerstone asks for single images by this scheme; all of them are registered beforehand. */
export const scheme = 'triage'

imageLoader.registerImageLoader(scheme, (imageId) => {
  const image = cache.getImage(imageId)
  return { promise: image ? Promise.resolve({ ...image }) : Promise.reject(new Error(`${imageId} is not open`)) }
})

/**
 * Hands a whole volume to Cornerstone without copying it: each slice is registered as the image it
 * is, and the texture is filled from those.
 */
export function registerVolume(volumeId: string, volume: Volume): void {
  const { grid, seriesUid } = volume.series
  const [columns, rows, slices] = grid.size
  const direction = grid.axes.flat() as Types.Mat3
  const imageIds = Array.from({ length: slices }, (_, k) => `${volumeId}/${k}`)
  for (const [k, hu] of volume.slices.entries()) {
    if (!hu) throw new Error('only a whole volume goes to the GPU')
    imageLoader.createAndCacheLocalImage(imageIds[k] as string, {
      scalarData: hu,
      dimensions: [columns, rows],
      spacing: [grid.spacing[0], grid.spacing[1]],
      origin: mutable(grid.origin),
      direction,
      targetBuffer: { type: 'Int16Array' },
    })
  }
  const registered = new ImageVolume({
    volumeId,
    imageIds,
    dimensions: mutable(grid.size),
    spacing: mutable(grid.spacing),
    origin: mutable(grid.origin),
    direction,
    dataType: 'Int16Array',
    numberOfComponents: 1,
    metadata: {
      BitsAllocated: 16,
      BitsStored: 16,
      SamplesPerPixel: 1,
      HighBit: 15,
      PhotometricInterpretation: 'MONOCHROME2',
      PixelRepresentation: 1,
      Modality: 'CT',
      SeriesInstanceUID: seriesUid,
      ImageOrientationPatient: direction.slice(0, 6) as number[],
      PixelSpacing: [grid.spacing[1], grid.spacing[0]],
      FrameOfReferenceUID: seriesUid,
      Columns: columns,
      Rows: rows,
      voiLut: [{ windowWidth: 1500, windowCenter: -600 }],
      VOILUTFunction: 'LINEAR',
    },
  })
  cache.putVolumeSync(volumeId, registered)
  registered.vtkOpenGLTexture.modified()
}

/** Takes everything of it out of Cornerstone's cache. */
export function forgetVolume(): void {
  cache.purgeCache()
}
