import { VisuallyHidden } from '@mantine/core'
import { useReading } from '../lib/reading/store'

/** The one live region of the page: "Accepted. Finding 2 of 4, left lower lobe". */
export function Announcer() {
  const said = useReading((reading) => reading.said)
  return (
    <VisuallyHidden role="status" aria-live="polite">
      {said}
    </VisuallyHidden>
  )
}
