import { useParams } from '@tanstack/react-router'
import { LazyKeys } from '../../components/LazyKeys'
import { Notice } from '../../components/Notice'
import { FindingsPanel } from '../../features/findings/FindingsPanel'
import { OfflineNotice } from '../../features/findings/Notices'
import { QueueNotices } from '../../features/findings/QueueNotices'
import { SignPanel } from '../../features/findings/SignPanel'
import { Viewer } from '../../features/viewer/Viewer'
import { useSending } from '../../lib/decisions/queue'
import { lockOf, progressOf } from '../../lib/reading/progress'
import { useSeen } from '../../lib/reading/seen'
import { act, useReading } from '../../lib/reading/store'
import { words } from '../../words'
import { ReadingBar } from '../reading/ReadingBar'
import { jumpToFinding, useDeciding } from '../reading/useDeciding'
import { useOpening } from '../reading/useOpening'
import { useReadingKeys } from '../reading/useReadingKeys'
import { useSigning, useToRead } from '../reading/useSigning'
import { useStudy } from '../reading/useStudy'
import styles from '../reading/Reading.module.css'

export function ReadingPage() {
  const { studyUid } = useParams({ from: '/study/$studyUid' })
  const now = useStudy(studyUid)
  const { study, findings, context, placed, series, queue, notSent, me, asked } = now
  const mode = useReading((reading) => reading.mode)
  const seen = useSeen((state) => state.slices)
  const offlineSince = useSending((sending) => sending.offlineSince)
  const deciding = useDeciding(now)
  const place = useToRead(studyUid, me?.name)
  const signing = useSigning(studyUid, findings, place.next)
  useOpening(studyUid, now)
  const progress = study && progressOf({ study, findings, queue, seen, grid: placed?.grid ?? null })
  const maySign = me?.permissions.includes('sign') ?? false
  const lock = study && progress ? lockOf(progress, study, maySign, offlineSince === null) : null
  const sign = () => study && lock === null && !signing.isPending && signing.mutate()
  useReadingKeys(deciding, sign)

  const notices = (
    <>
      {offlineSince && <OfflineNotice since={offlineSince} unsent={progress?.unsent ?? 0} />}
      <QueueNotices studyUid={studyUid} />
    </>
  )
  return (
    <div className={styles['page']}>
      <ReadingBar study={study} series={series} unsent={progress?.unsent ?? 0} place={{ at: place.at, total: place.total }} />
      <main className={styles['main']}>
        {placed ? (
          <Viewer findings={findings} onAdd={deciding.add} onCorrect={deciding.correct} />
        ) : (
          <div className={styles['message']}>
            {asked.isError && <Notice kind="attention" title={asked.error.message} />}
            {asked.isPending && words.viewer.opening}
            {study && (
              <Notice kind="attention" title={words.viewer.noVolume.title}>
                {study.state_reason || words.viewer.noVolume.text}
              </Notice>
            )}
          </div>
        )}
        {study && context && progress && (
          <aside className={styles['panel']} aria-label={words.findings.title} data-testid="panel">
            {mode === 'sign' ? (
              <SignPanel study={study} findings={findings} context={context} progress={progress} lock={lock}
                problem={signing.error?.message ?? null} signing={signing.isPending} hasNext={place.next !== null}
                me={me?.display_name ?? ''} onAnswer={deciding.answer} onSign={sign} onBack={() => act('back')} />
            ) : (
              <FindingsPanel study={study} findings={findings} progress={progress} notSent={notSent}
                mayDecide={deciding.mayDecide} notices={notices} onSelect={jumpToFinding} onAccept={deciding.accept}
                onReject={deciding.startReject} onReason={deciding.reject} onAxes={deciding.startAxes}
                onType={deciding.setType} />
            )}
          </aside>
        )}
      </main>
      <LazyKeys opened={mode === 'help'} onClose={() => act('back')} page="reading" />
    </div>
  )
}
