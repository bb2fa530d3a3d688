import { words } from '../words'

const month = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** True minus, never a hyphen. */
export const minus = (text: string): string => text.replace('-', '−')

export const mm = (value: number | null | undefined): string =>
  value === null || value === undefined ? words.absent : minus(value.toFixed(1))

export const hu = (value: number): string => minus(String(value))

/** `14.2 × 11.0 mm`; a dash for an axis that is not known. */
export const size = (long: number | null, short: number | null): string =>
  long === null ? words.findings.notMeasured : `${mm(long)} × ${mm(short)} mm`

export const volume = (value: number | null): string =>
  value === null ? words.absent : `${Math.round(value).toLocaleString('en-GB')} mm³`

/** DICOM DA `20261124` as `24 Nov 2026`. */
export function dicomDate(da: string): string {
  const [, year, mon, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(da) ?? []
  const name = month[Number(mon) - 1]
  return year && name ? `${Number(day)} ${name} ${year}` : da || words.absent
}

/** DICOM TM `081203.5` as `08:12`. */
export const dicomTime = (tm: string): string =>
  /^\d{4}/.test(tm) ? `${tm.slice(0, 2)}:${tm.slice(2, 4)}` : words.absent

/** Seconds as hours and minutes, `3:48`. */
export const wait = (seconds: number | null): string => {
  if (seconds === null) return words.absent
  const minutes = Math.floor(seconds / 60)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

export const clock = (time: Date): string => time.toTimeString().slice(0, 8)

/** Local clock time of an RFC 3339 time; with the date when it is another day. */
export function timeOf(iso: string | null, now = new Date()): string {
  if (!iso) return words.absent
  const time = new Date(iso)
  const short = clock(time)
  if (time.toDateString() === now.toDateString()) return short
  return `${time.getDate()} ${month[time.getMonth()]} ${time.getFullYear()}, ${short.slice(0, 5)}`
}

const sexes: Record<string, string> = { M: 'M', F: 'F', O: 'O' }

/** `F 67 y`; what is not known is left out. */
export const sexAge = (sex: string, age: string): string => {
  const [, number, unit] = /^0*(\d+)([DWMY])$/.exec(age) ?? []
  return [sexes[sex] ?? '', number ? `${number} ${(unit as string).toLowerCase()}` : ''].filter(Boolean).join(' ')
}

/** A DICOM person name without empty trailing components. */
export const personName = (name: string): string => name.replace(/\^+$/, '') || words.unknown
