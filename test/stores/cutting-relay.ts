/**
 * A way to a server on which things happen to one client: its connections are cut before or after what it sends has arrived,
 * and it dies. What a client sends at once is one step, so that a commit is cut at each of its messages.
 */

import { connect, createServer, type Socket } from 'node:net'
import { sleep, systemClock } from '@atoll/kit'

/**
 * What happens to one message. A client whose connection is cut may connect again; one that is dead may not. What is late
 * arrives when its sender has long been cut off. Of one that vanishes, as when its machine loses power, the server is told nothing.
 */
export type RelayFate =
  | 'fine'
  | 'cut before'
  | 'cut after'
  | 'late'
  | 'dies before'
  | 'dies after'
  | 'vanishes'

export interface RelayOptions {
  readonly port: number
  readonly host?: string
  /** Called for each message of the client with how many there were before. */
  readonly fate?: (count: number) => RelayFate
  /** Changes what the client sends; must keep its length. */
  readonly rewrite?: (message: Buffer) => Buffer
}

export interface CuttingRelay {
  /** On 127.0.0.1. */
  readonly port: number
  /** Resolves when the client is dead. */
  readonly died: Promise<void>
  /** How many messages there were. */
  steps(): number
  close(): Promise<void>
}

const LATE_MS = 50

export async function startRelay(options: RelayOptions): Promise<CuttingRelay> {
  const { port, host = '127.0.0.1', fate = () => 'fine', rewrite = (message) => message } = options
  const { promise: died, resolve: tellDeath } = Promise.withResolvers<void>()
  const cuts = new Set<() => void>()
  let steps = 0
  let isDead = false
  let hasVanished = false

  const join = (client: Socket) => {
    if (isDead) return client.destroy()
    const server = connect({ host, port, noDelay: true })
    client.setNoDelay(true)
    let isCut = false
    // What was sent on arrives, and then the server sees the end of it, as when a process dies.
    const cut = () => {
      isCut = true
      cuts.delete(cut)
      client.destroy()
      server.end()
      server.resume()
    }
    cuts.add(cut)
    for (const socket of [client, server]) socket.on('error', () => {})
    client.on('close', () => {
      if (!hasVanished) cut()
    })
    server.on('close', cut)
    server.on('data', (answer) => {
      if (!isCut) client.write(answer)
    })
    client.on('data', (sent) => {
      if (isCut) return
      const message = rewrite(sent)
      const fated = fate(steps++)
      const isDying = fated.startsWith('dies')
      if (fated === 'fine' || fated.endsWith('after')) server.write(message)
      if (fated === 'vanishes') {
        hasVanished = true
        isCut = true
        isDead = true
        return tellDeath()
      }
      if (fated === 'late') void arrive(server, message)
      if (fated === 'late') return client.destroy()
      if (isDying) {
        isDead = true
        tellDeath()
      }
      for (const end of isDying ? [...cuts] : fated === 'fine' ? [] : [cut]) end()
    })
  }

  const listener = createServer(join)
  listener.listen(0, '127.0.0.1')
  await new Promise<void>((resolve) => listener.once('listening', () => resolve()))
  const address = listener.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    died,
    steps: () => steps,
    close: async () => {
      for (const end of [...cuts]) end()
      await new Promise<void>((resolve) => listener.close(() => resolve()))
    },
  }
}

async function arrive(server: Socket, message: Buffer): Promise<void> {
  await sleep(systemClock, LATE_MS)
  if (!server.destroyed) server.end(message)
}
