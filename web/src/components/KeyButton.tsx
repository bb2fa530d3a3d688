import { Button, type ButtonProps } from '@mantine/core'
import type { ComponentPropsWithoutRef } from 'react'
import type { ActName } from '../lib/keys/keymap'
import { Key } from './Key'

type Props = ButtonProps &
  Omit<ComponentPropsWithoutRef<'button'>, keyof ButtonProps> & {
    readonly act: ActName
    /** Only Open and Sign are filled, and at most one of them on a page. */
    readonly main?: boolean
  }

/** A button that prints the key that does the same. */
export function KeyButton({ act, main = false, children, ...rest }: Props) {
  return (
    <Button variant={main ? 'filled' : 'default'} rightSection={<Key act={act} />} {...rest}>
      {children}
    </Button>
  )
}
