/** Runs the peer of a data directory until SIGTERM or SIGINT. */

import { pino } from 'pino'

/** Resolves when the peer has stopped; its guests run on. @throws what `runPeer` throws */
export async function runInForeground(dataDirectory: string): Promise<void> {
  const { readSettings, runPeer } = await import('@atoll/peer')
  const abort = new AbortController()
  const stop = () => abort.abort()
  // Once each: a second signal finds no handler and ends a stop that takes too long.
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const level = readSettings(dataDirectory).log.level ?? 'info'
  try {
    await runPeer({
      dataDirectory,
      log: pino({ level }, pino.destination(2)),
      signal: abort.signal,
      onReady: ({ apiUrl, site }) =>
        process.stdout.write(
          `atoll: ${site} is ready at ${apiUrl}. Credentials: eval "$(./atoll openrc --data ${dataDirectory})"\n`,
        ),
    })
  } finally {
    process.off('SIGTERM', stop)
    process.off('SIGINT', stop)
  }
}
