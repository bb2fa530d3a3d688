/** What the tabs of one browser tell each other. */
type Told =
  | { readonly kind: 'change'; readonly studyUid: string | null }
  | { readonly kind: 'connected'; readonly connected: boolean }
  | { readonly kind: 'hello' }

interface Listener {
  readonly onChange: (studyUid: string | null) => void
  readonly onConnected: (connected: boolean) => void
}

const name = 'triage.live'

/**
 * Follows `/api/events` with one connection per browser: HTTP/1.1 allows six to a server, and six
 * tabs must not use them up. The tab that holds the lock listens and tells the others; when it
 * closes, the next one takes over. The browser itself resumes by event id.
 */
export function followChanges({ onChange, onConnected }: Listener): () => void {
  const channel = new BroadcastChannel(name)
  const left = new AbortController()
  let leading = false
  let connected = false

  const tell = (told: Told) => {
    hear(told)
    channel.postMessage(told)
  }
  const hear = (told: Told) => {
    if (told.kind === 'change') onChange(told.studyUid)
    else if (told.kind === 'connected') onConnected(told.connected)
    else if (leading) channel.postMessage({ kind: 'connected', connected } satisfies Told)
  }
  const say = (now: boolean) => {
    connected = now
    tell({ kind: 'connected', connected: now })
  }
  const lead = () =>
    new Promise<void>((resolve) => {
      leading = true
      const source = new EventSource('/api/events')
      // Whoever led before may have heard less: everybody asks anew once the line stands.
      say(false)
      source.addEventListener('open', () => say(true))
      source.addEventListener('error', () => say(false))
      source.addEventListener('change', ({ data }: MessageEvent<string>) =>
        tell({ kind: 'change', studyUid: (JSON.parse(data) as { study_uid: string | null }).study_uid }),
      )
      left.signal.addEventListener('abort', () => {
        source.close()
        resolve()
      })
    })

  channel.addEventListener('message', ({ data }: MessageEvent<Told>) => hear(data))
  channel.postMessage({ kind: 'hello' } satisfies Told)
  navigator.locks.request(name, { signal: left.signal }, lead).catch((fault: unknown) => {
    if (!left.signal.aborted) throw fault
  })
  return () => {
    left.abort()
    channel.close()
  }
}
