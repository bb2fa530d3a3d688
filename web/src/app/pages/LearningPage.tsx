import { useState } from 'react'
import { useLearningActs, useLearningQueue, useModels, useRounds } from '../../api/learning'
import { useMe } from '../../api/session'
import { QueuePart } from '../../features/learning/QueuePart'
import { ReadingNow } from '../../features/learning/ReadingNow'
import { RoundsPart } from '../../features/learning/RoundsPart'
import { VerdictPart } from '../../features/learning/VerdictPart'
import styles from '../../features/learning/Learning.module.css'
import { words } from '../../words'
import { MainBar } from './MainBar'
import page from './WorklistPage.module.css'

/** Queue, rounds, verdict: what readers taught, and what came of it. */
export function LearningPage() {
  const [picked, setPicked] = useState<string | null>(null)
  const { data: me } = useMe()
  const queue = useLearningQueue()
  const rounds = useRounds()
  const models = useModels()
  const acts = useLearningActs()
  const mayRun = me?.permissions.includes('run_learning') ?? false
  const mayPromote = me?.permissions.includes('promote_model') ?? false
  const chosen = rounds.data?.find((one) => one.id === picked) ?? rounds.data?.[0]
  const failed = queue.error ?? rounds.error ?? models.error
  return (
    <div className={page['page']}>
      <MainBar />
      <main className={page['main']}>
        {failed && (
          <p role="alert" className={styles['attention']}>
            {failed.message}
          </p>
        )}
        {queue.data && <QueuePart queue={queue.data} />}
        {rounds.data && models.data && (
          <div className={styles['middle']}>
            <RoundsPart rounds={rounds.data} chosen={chosen?.id ?? null} onChoose={setPicked}
              onStart={mayRun ? acts.start.mutate : null} refused={acts.start.error?.message ?? null} />
            <ReadingNow models={models.data} onRollback={mayPromote ? acts.rollback.mutate : null} />
          </div>
        )}
        {chosen && models.data ? (
          <VerdictPart round={chosen} models={models.data} refused={acts.promote.error?.message ?? null}
            onPromote={mayPromote ? (digest, phantom) => acts.promote.mutate({ digest, phantom }) : null} />
        ) : (
          <p className={styles['detail']}>{words.learning.choose}</p>
        )}
      </main>
    </div>
  )
}
