import { Button, Kbd, UnstyledButton } from '@mantine/core'
import { ChevronLeft } from 'lucide-react'
import type { HowMade } from '../../api/plan'
import { duration } from '../../lib/duration'
import { personName } from '../../lib/format'
import { words } from '../../words'
import { whyMade } from './nodes'
import styles from './Plan.module.css'

const { plan: say } = words

/** Seconds from the last image to what a reader and an archive waited for; null when not known. */
export function headline({ effects, last_image_at_s, ready_at_s }: HowMade): { took: string; to: string } | null {
  if (last_image_at_s === null) return null
  const found = effects.filter(({ state, done_at_s }) => state === 'done' && done_at_s !== null).map((one) => one.done_at_s ?? 0)
  const [end, to] = found.length > 0 ? [Math.min(...found), say.toArchive] : [ready_at_s, say.toReady]
  if (end === null || end < last_image_at_s) return null
  return { took: duration(end - last_image_at_s), to }
}

const subjectOf = ({ study, round }: HowMade): string => {
  if (study) return personName(study.patient_name)
  return round ? words.learning.round(round.number) : ''
}

/** The account as a file, as the server gave it. */
function save(made: HowMade): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(made, null, 1)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `plan-${made.subject}.json`
  link.click()
  URL.revokeObjectURL(url)
}

function Versions({ made, version, onVersion }: Pick<Props, 'version' | 'onVersion'> & { readonly made: HowMade }) {
  const chosen = made.plans.find((plan) => plan.version === version)
  return (
    <>
      <div className={styles['versions']} role="group" aria-label={say.versions}>
        <span>{say.plan}</span>
        {made.plans.map((plan) => (
          <UnstyledButton key={plan.plan_id} className={styles['version'] ?? ''} aria-pressed={plan.version === version}
            aria-label={`${say.version(plan.version)}, ${say.state[plan.state]}`} data-state={plan.state} onClick={() => onVersion(plan.version)}>
            {plan.version}
          </UnstyledButton>
        ))}
      </div>
      <span className={styles['why']} title={chosen && whyMade(chosen)}>
        {chosen && whyMade(chosen)}
      </span>
    </>
  )
}

interface Props {
  readonly made: HowMade | undefined
  readonly version: number | null
  readonly backTo: string
  readonly onBack: () => void
  readonly onVersion: (version: number) => void
}

/** Back, whose result, which version and why it was made; how long it took; the file. */
export function PlanBar({ made, version, backTo, onBack, onVersion }: Props) {
  const time = made && headline(made)
  return (
    <div className={styles['bar']}>
      <UnstyledButton className={styles['goBack'] ?? ''} onClick={onBack}>
        <ChevronLeft size={16} aria-hidden />
        {backTo} <Kbd>Esc</Kbd>
      </UnstyledButton>
      {made && (
        <h1 className={styles['subject']}>
          <bdi>{subjectOf(made)}</bdi>
          {made.round?.population === 'phantom' && <em>{words.learning.phantom}</em>}
          <span>{made.round ? say.round : say.study}</span>
        </h1>
      )}
      {made && made.plans.length > 0 && <Versions made={made} version={version} onVersion={onVersion} />}
      <span className={styles['barEnd']}>
        {time && (
          <span className={styles['time']}>
            <strong>{time.took}</strong> {time.to}
          </span>
        )}
        {made && (
          <Button variant="default" onClick={() => save(made)}>
            {say.save}
          </Button>
        )}
      </span>
    </div>
  )
}
