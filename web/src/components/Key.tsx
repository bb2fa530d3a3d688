import { Kbd } from '@mantine/core'
import { keyLabel, type ActName } from '../lib/keys/keymap'

/** The key of an act, as it is set on this computer. */
export function Key({ act }: { readonly act: ActName }) {
  return <Kbd>{keyLabel(act)}</Kbd>
}
