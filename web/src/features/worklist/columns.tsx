import type { ReactNode } from 'react'
import type { WorklistItem } from '../../api/types'
import { StateWord, stateOf } from '../../components/StateWord'
import { dicomDate, dicomTime, mm, personName, wait } from '../../lib/format'
import { words } from '../../words'
import styles from './Table.module.css'

const { worklist } = words
const dash = <span className={styles['absent']}>{words.absent}</span>

export interface Column {
  readonly id: string
  readonly header: string
  readonly render: (item: WorklistItem) => ReactNode
}

/** Today's studies by time, older ones by date. */
function studyTime({ study_date, study_time }: WorklistItem): string {
  const now = new Date()
  const today = `${now.getFullYear()}${String(now.getMonth() + 1).padStart(2, '0')}${String(now.getDate()).padStart(2, '0')}`
  const date = dicomDate(study_date)
  if (study_date === today) return dicomTime(study_time)
  // Another year is said in place of the day: there is no room for both, and the panel has the whole date.
  return study_date.startsWith(today.slice(0, 4)) ? date.replace(/ \d{4}$/, '') : date.replace(/^\d+ /, '')
}

const lungRads = ({ lung_rads, lung_rads_preliminary }: WorklistItem): ReactNode => {
  if (!lung_rads) return dash
  return lung_rads_preliminary ? worklist.prelim(lung_rads) : lung_rads
}

const cell = (id: string, header: string, render: Column['render']): Column => ({ id, header, render })

/** The columns of look.md section 3, in order; widths stand in the style sheet. */
export const columns: readonly Column[] = [
  cell('priority', worklist.columns.priority, ({ priority }) => (priority ? worklist.priority[priority] : dash)),
  cell('why', worklist.columns.why, ({ why }) => <span title={why}>{why}</span>),
  cell('wait', worklist.columns.wait, ({ wait_s }) => wait(wait_s)),
  cell('patient', worklist.columns.patient, ({ patient_name, patient_id }) => (
    <>
      <bdi className={styles['name']}>{personName(patient_name)}</bdi> <span className={styles['id']}>{patient_id}</span>
    </>
  )),
  cell('study', worklist.columns.study, studyTime),
  cell('largest', worklist.columns.largest, ({ largest_mm }) => (largest_mm === null ? dash : mm(largest_mm))),
  cell('findings', worklist.columns.findings, ({ findings }) => findings ?? dash),
  cell('prior', worklist.columns.prior, ({ prior }) => (prior ? worklist.prior[prior] : dash)),
  cell('lungrads', worklist.columns.lungRads, lungRads),
  cell('state', worklist.columns.state, (item) => <StateWord name={stateOf(item)} />),
  cell('reader', worklist.columns.reader, ({ reader }) => reader ?? ''),
]
