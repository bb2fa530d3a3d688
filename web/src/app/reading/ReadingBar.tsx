import { Kbd, UnstyledButton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Check, ChevronLeft } from 'lucide-react'
import type { Series, Study } from '../../api/types'
import { useLive } from '../../api/live'
import { Bar, BarPart } from '../../components/Bar'
import { clock, dicomDate, dicomTime, mm, personName, sexAge } from '../../lib/format'
import { useSending } from '../../lib/decisions/queue'
import { words } from '../../words'
import styles from './Reading.module.css'

interface Props {
  readonly study: Study | undefined
  readonly series: Series | null | undefined
  readonly unsent: number
  readonly place: { readonly at: number | null; readonly total: number | null }
  /** On the report the way back leads to the images. */
  readonly onBack: (() => void) | null
}

/** "Saved" only after the server's answer; "not sent yet" while anything waits. */
function Saved({ unsent }: { readonly unsent: number }) {
  const { savedAt, sending } = useSending()
  const connected = useLive((live) => live.connected)
  const { findings } = words
  if (unsent > 0) return <span data-testid="saved">{sending ? findings.saving : findings.unsent(unsent)}</span>
  if (!savedAt) return <span data-testid="saved">{connected ? words.live : words.notLive}</span>
  return (
    <span className={styles['saved']} data-testid="saved">
      <Check size={14} aria-hidden />
      {findings.saved(clock(savedAt))}
    </span>
  )
}

function SeriesPart({ series }: { readonly series: Series }) {
  const { volume } = series
  return (
    <BarPart>
      <strong className={styles['medium']}>
        {series.description || words.unknown} {volume && `${mm(volume.spacing_zyx_mm[0])} mm`}
      </strong>
      <span className={styles['wide']}>{words.viewer.slices(volume?.shape_zyx[0] ?? series.instances)}</span>
    </BarPart>
  )
}

const BackWords = ({ to }: { readonly to: string }) => (
  <>
    <ChevronLeft size={16} aria-hidden />
    <span className={styles['backWord']}>{to}</span> <Kbd>Esc</Kbd>
  </>
)

/** Back, patient, study, series; at its end saved and the place in the list. */
export function ReadingBar({ study, series, unsent, place, onBack }: Props) {
  const end = (
    <>
      <BarPart>
        <Saved unsent={unsent} />
      </BarPart>
      {place.at !== null && place.total !== null && (
        <BarPart wide>
          <span>{words.viewer.place(place.at, place.total)}</span>
        </BarPart>
      )}
    </>
  )
  return (
    <Bar end={end}>
      {onBack ? (
        <UnstyledButton className={styles['back'] ?? ''} onClick={onBack}>
          <BackWords to={words.pages.reading} />
        </UnstyledButton>
      ) : (
        <Link to="/" className={styles['back'] ?? ''}>
          <BackWords to={words.pages.worklist} />
        </Link>
      )}
      {study && (
        <>
          <BarPart>
            <strong className={styles['patient']}>
              <bdi>{personName(study.patient_name)}</bdi>
            </strong>
            <span className={styles['soft']}>
              {sexAge(study.patient_sex, study.patient_age)} {study.patient_id}
            </span>
          </BarPart>
          <BarPart>
            <strong className={styles['medium']}>{study.description || words.unknown}</strong>
            <span className={styles['soft']}>
              {dicomDate(study.study_date)} {dicomTime(study.study_time)}
            </span>
          </BarPart>
        </>
      )}
      {series && <SeriesPart series={series} />}
    </Bar>
  )
}
