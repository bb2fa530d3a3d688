import { Button } from '@mantine/core'
import { Check } from 'lucide-react'
import { useState } from 'react'
import { words } from '../../../words'
import styles from './ReportText.module.css'

const { report } = words

type Outcome = 'idle' | 'copied' | 'failed'

/** The whole report as plain text, for RIS or mail; the answer stands on the button's own place. */
export function CopyText({ text }: { readonly text: string }) {
  const [outcome, setOutcome] = useState<Outcome>('idle')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      // No permission, or no clipboard at all (a plain connection): selecting still works.
      setOutcome('failed')
    }
  }
  return (
    <span className={styles['copy']}>
      <span role="status" data-testid="copy-outcome">
        {outcome === 'failed' && report.copyFailed}
      </span>
      <Button variant="default" onClick={() => void copy()} leftSection={outcome === 'copied' && <Check size={14} />}>
        {outcome === 'copied' ? report.copied : report.copy}
      </Button>
    </span>
  )
}
