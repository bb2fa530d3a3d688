import { useParams } from '@tanstack/react-router'
import { LazyKeys } from '../../components/LazyKeys'
import { Notice } from '../../components/Notice'
import { FindingsPanel } from '../../features/findings/FindingsPanel'
import { OfflineNotice } from '../../features/findings/Notices'
import { QueueNotices } from '../../features/findings/QueueNotices'
import { ReportPage } from '../../features/findings/report/ReportPage'
import { KeyImages } from '../../features/viewer/report/KeyImages'
import { Viewer } from '../../features/viewer/Viewer'
import { useSending } from '../../lib/decisions/queue'
import { personName } from '../../lib/format'
import { lockOf, progressOf } from '../../lib/reading/progress'
import { useSeen } from '../../lib/reading/seen'
import { onReport } from '../../lib/reading/mode'
import { act, useReading } from '../../lib/reading/store'
import { words } from '../../words'
import { ReadingBar } from '../reading/ReadingBar'
import { jumpToFinding, useDeciding } from '../reading/useDeciding'
import { useOpening } from '../reading/useOpening'
import { useReadingKeys } from '../reading/useReadingKeys'
import { useSigning, useToRead } from '../reading/useSigning'
import { useStudy, type StudyNow } from '../reading/useStudy'
import styles from '../reading/Reading.module.css'

/** Why there is nothing to look at. */
function NoImages({ asked, study }: Pick<StudyNow, 'asked' | 'study'>) {
  return (
    <div className={styles['message']}>
      {asked.isError && <Notice kind="attention" title={asked.error.message} />}
      {asked.isPending && words.viewer.opening}
      {study && (
        <Notice kind="attention" title={words.viewer.noVolume.title}>
          {study.state_reason || words.viewer.noVolume.text}
        </Notice>
      )}
    </div>
  )
}

export function ReadingPage() {
  const { studyUid } = useParams({ from: '/study/$studyUid' })
  const now = useStudy(studyUid)
  const { study, findings, context, placed, series, queue, notSent, me, asked } = now
  const mode = useReading((reading) => reading.mode)
  const seen = useSeen((state) => state.slices)
  const offlineSince = useSending((sending) => sending.offlineSince)
  const deciding = useDeciding(now)
  const place = useToRead(studyUid, me?.name)
  const signing = useSigning(studyUid, { findings, context }, place.next?.study_uid ?? null)
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
      <ReadingBar study={study} series={series} unsent={progress?.unsent ?? 0} place={{ at: place.at, total: place.total }}
        onBack={mode === 'sign' ? () => act('back') : null} />
      <main className={styles['main']}>
        {study && context && progress && onReport(mode) ? (
          <ReportPage study={study} findings={findings} context={context} progress={progress} notSent={notSent}
            mayDecide={deciding.mayDecide} user={me?.name ?? ''} me={me?.display_name ?? ''} notices={notices}
            images={<KeyImages finding={deciding.selected} />} lock={lock} problem={signing.error?.message ?? null}
            busy={signing.isPending} next={place.next && personName(place.next.patient_name)} onSign={sign}
            onBack={() => act('back')} onLook={(finding) => (act('back'), jumpToFinding(finding))}
            onAnswer={deciding.answer} onSelect={jumpToFinding} onSolid={deciding.setSolid} />
        ) : (
          <>
            {placed ? (
              <Viewer findings={findings} onAdd={deciding.add} onCorrect={deciding.correct} />
            ) : (
              <NoImages asked={asked} study={study} />
            )}
            {study && context && progress && (
              <aside className={styles['panel']} aria-label={words.findings.title} data-testid="panel">
                <FindingsPanel study={study} findings={findings} progress={progress} notSent={notSent}
                  mayDecide={deciding.mayDecide} notices={notices} onSelect={jumpToFinding} onAccept={deciding.accept}
                  onReject={deciding.startReject} onReason={deciding.reject} onAxes={deciding.startAxes}
                  onType={deciding.setType} onSolid={deciding.setSolid} />
              </aside>
            )}
          </>
        )}
      </main>
      <LazyKeys opened={mode === 'help' || mode === 'helpOnSign'} onClose={() => act('back')} page="reading" />
    </div>
  )
}
