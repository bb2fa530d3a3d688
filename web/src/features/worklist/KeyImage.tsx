import { useState } from 'react'
import { corners, halfSide } from '../../lib/geometry/marks'
import type { WorklistItem } from '../../api/types'
import { words } from '../../words'
import styles from './SidePanel.module.css'

const { side } = words.worklist

/** The server's picture shows this much of the patient, mm, with finding 1 in its middle. */
const [widthMm, heightMm] = [121.6, 80]

/** Brackets around the middle, outside of the largest finding and so outside of this one. */
function Brackets({ largest }: { readonly largest: number | null }) {
  const pxPerMm = 2.5
  const half = halfSide((largest ?? 0) / 2, pxPerMm)
  const [width, height] = [widthMm * pxPerMm, heightMm * pxPerMm]
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden>
      <path d={corners(width / 2, height / 2, half)} className={styles['halo']} />
      <path d={corners(width / 2, height / 2, half)} className={styles['mark']} />
    </svg>
  )
}

/** Finding 1 on its own slice, drawn by the server; words where there is none. */
export function KeyImage({ item }: { item: WorklistItem }) {
  const [failedUrl, setFailedUrl] = useState<string | null>(null)
  const [shownUrl, setShownUrl] = useState<string | null>(null)
  const url = item.key_image_url
  const nothing = item.result_status === 'assessed' || item.result_status === 'partly_assessed' ? side.noKeyImage : side.notYet
  return (
    <div className={styles['image']}>
      {url && url !== failedUrl ? (
        <>
          <img src={url} alt={side.keyImage} onError={() => setFailedUrl(url)} onLoad={() => setShownUrl(url)} />
          {shownUrl === url && <Brackets largest={item.largest_mm} />}
          <span className={styles['label']}>{side.keyImage}</span>
        </>
      ) : (
        <span>{item.result_status === 'not_assessed' ? side.not : nothing}</span>
      )}
    </div>
  )
}
