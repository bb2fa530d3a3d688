const two = (part: number) => String(part).padStart(2, '0')

/** A length of time with its unit: `< 0.01 s`, `0.02 s`, `0.9 s`, `14.0 s`, `3:05 min`, `1:12:05 h`. */
export function duration(seconds: number): string {
  const sign = seconds < 0 ? '−' : ''
  const length = Math.abs(seconds)
  if (length > 0 && length < 0.005) return '< 0.01 s'
  if (length > 0 && length < 0.095) return `${sign}${length.toFixed(2)} s`
  if (length < 59.95) return `${sign}${length.toFixed(1)} s`
  const whole = Math.round(length)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return hours ? `${sign}${hours}:${two(minutes)}:${two(rest)} h` : `${sign}${minutes}:${two(rest)} min`
}
