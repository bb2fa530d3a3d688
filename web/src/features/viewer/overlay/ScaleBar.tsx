import styles from './Frame.module.css'

const steps = [5, 10, 20, 30, 50, 100]
const widest = 150

const label = (mm: number) => (mm < 10 ? `${mm} mm` : `${mm / 10} cm`)

/** A bar of a round length in patient mm, with a tick in its middle. */
export function ScaleBar({ pxPerMm, room = widest }: { readonly pxPerMm: number; readonly room?: number }) {
  const length = steps.findLast((mm) => mm * pxPerMm <= Math.min(widest, room)) ?? 5
  const width = length * pxPerMm
  return (
    <span className={styles['scale']} data-testid="scale">
      <svg width={width + 2} height={9} aria-hidden>
        <path d={`M1 0V8M1 4H${width + 1}M${width + 1} 0V8M${width / 2 + 1} 2V6`} />
      </svg>
      {label(length)}
    </span>
  )
}
