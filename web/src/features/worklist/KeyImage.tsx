import { useState } from 'react'
import type { WorklistItem } from '../../api/types'
import { words } from '../../words'
import styles from './SidePanel.module.css'

const { side } = words.worklist

/** Finding 1 on its own slice, drawn by the server; words where there is none. */
export function KeyImage({ item }: { item: WorklistItem }) {
  const [failedUrl, setFailedUrl] = useState<string | null>(null)
  const url = item.key_image_url
  const nothing = item.result_status === 'assessed' || item.result_status === 'partly_assessed' ? side.noKeyImage : side.notYet
  return (
    <div className={styles['image']}>
      {url && url !== failedUrl ? (
        <>
          <img src={url} alt={side.keyImage} onError={() => setFailedUrl(url)} />
          <span className={styles['label']}>{side.keyImage}</span>
        </>
      ) : (
        <span>{item.result_status === 'not_assessed' ? side.not : nothing}</span>
      )}
    </div>
  )
}
