import { lazy, Suspense, type ComponentProps } from 'react'

const KeysOverlay = lazy(() => import('./KeysOverlay').then((all) => ({ default: all.KeysOverlay })))

/** The keys overlay, fetched when it is asked for the first time. */
export function LazyKeys({ opened, ...rest }: ComponentProps<typeof KeysOverlay>) {
  return opened ? (
    <Suspense>
      <KeysOverlay opened {...rest} />
    </Suspense>
  ) : null
}
