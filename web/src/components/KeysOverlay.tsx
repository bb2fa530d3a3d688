import { Kbd, Modal } from '@mantine/core'
import { keyLabel, type ActName } from '../lib/keys/keymap'
import { words } from '../words'
import styles from './KeysOverlay.module.css'

type Named = keyof typeof words.viewer.keyWords & ActName

type Page = 'worklist' | 'reading' | 'plan'

const groups: Record<Page, readonly (readonly [string, readonly Named[]])[]> = {
  worklist: [[words.pages.worklist, ['sliceUp', 'sliceDown', 'open', 'claim', 'search', 'help']]],
  reading: [
    [words.viewer.keyGroups.decide, ['accept', 'reject', 'axes', 'add', 'measure', 'undo']],
    [words.viewer.keyGroups.move, ['next', 'previous', 'sliceUp', 'sliceDown', 'pageUp', 'pageDown', 'top', 'bottom']],
    [words.viewer.keyGroups.look, ['soft', 'lung', 'bone', 'mediastinum', 'mip', 'thinner', 'thicker', 'hide', 'crosshair', 'fit']],
    [words.viewer.keyGroups.finish, ['sign', 'back', 'help']],
  ],
  plan: [[words.plan.link, ['sliceUp', 'sliceDown', 'next', 'previous', 'back', 'help']]],
}

/** What the same key is called on another page than the reading page. */
const ownWords: Partial<Record<Page, Partial<Record<Named, string>>>> = {
  worklist: { sliceUp: 'previous study', sliceDown: 'next study' },
  plan: words.plan.keyWords,
}

interface Props {
  readonly opened: boolean
  readonly onClose: () => void
  readonly page: Page
}

/** Every key of a page. */
export function KeysOverlay({ opened, onClose, page }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={words.viewer.allKeys} size="lg" transitionProps={{ duration: 0 }} lockScroll={false}
      closeButtonProps={{ 'aria-label': words.close }}>
      <div className={styles['groups']}>
        {groups[page].map(([title, names]) => (
          <section key={title}>
            <h3>{title}</h3>
            <ul>
              {names.map((name) => (
                <li key={name}>
                  <Kbd>{keyLabel(name)}</Kbd>
                  {ownWords[page]?.[name] ?? words.viewer.keyWords[name]}
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Modal>
  )
}
