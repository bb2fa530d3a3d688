import { Button } from '@mantine/core'
import { Notice } from '../components/Notice'
import { words } from '../words'

/** A fault in the page itself: says what is safe and what mends it. */
export function Failed({ error }: { error: unknown }) {
  return (
    <main style={{ padding: 16, maxWidth: 560 }}>
      <Notice kind="attention" title={words.failed.title}>
        <p>{words.failed.safe}</p>
        <p>{words.failed.mend}</p>
        <p>{error instanceof Error ? error.message : String(error)}</p>
        <Button variant="default" mt="md" onClick={() => globalThis.location.reload()}>
          {words.tryAgain}
        </Button>
      </Notice>
    </main>
  )
}
