/** The way to one Redis: its address, or several of one primary and its replicas, of which the primary is found by trying. */

import { type ConnectionOptions, RedisConnection } from './redis-connection.ts'
import { ConnectionFailed, kindOf } from './redis-errors.ts'
import { NotReplicated, type Route } from './script-runner.ts'

/** What a server says that is not, or not any more, the primary. */
const NOT_PRIMARY = new Set(['READONLY', 'MASTERDOWN', 'UNBLOCKED', 'LOADING'])

export class SingleRoute implements Route {
  readonly #connections: readonly RedisConnection[]
  #current = 0

  constructor(servers: readonly ConnectionOptions[]) {
    this.#connections = servers.map((server) => new RedisConnection(server))
  }

  get current(): RedisConnection {
    return this.#connections[this.#current] as RedisConnection
  }

  async next() {
    return { connection: this.current, isAsking: false }
  }

  failed(error: Error): boolean {
    const isLost = error instanceof ConnectionFailed && !(error instanceof NotReplicated)
    if (isLost || NOT_PRIMARY.has(kindOf(error)))
      this.#current = (this.#current + 1) % this.#connections.length
    return false
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}
