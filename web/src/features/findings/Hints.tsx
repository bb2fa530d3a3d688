import { Key } from '../../components/Key'
import { words } from '../../words'
import styles from './Panel.module.css'

/** The five keys at the foot of the panel. */
export function Hints() {
  const { hints } = words.findings
  return (
    <footer className={styles['hints']}>
      <span><Key act="next" /><Key act="previous" /> {hints.step}</span>
      <span><Key act="add" /> {hints.add}</span>
      <span><Key act="undo" /> {hints.undo}</span>
      <span><Key act="sign" /> {hints.sign}</span>
      <span><Key act="help" /> {hints.keys}</span>
    </footer>
  )
}
