/** Reaches the first server that answers, beginning with the one that did last. */

import { StoreUnavailable } from '../../errors.ts'
import type { StoreServer } from '../../store-url.ts'

/** How long one server may take to take a connection, before the next is asked. */
export const CONNECT_MS_MAX = 3000

export class Reach {
  readonly #servers: readonly StoreServer[]
  readonly #description: string
  #preferred = 0

  constructor({ servers, description }: { servers: readonly StoreServer[]; description: string }) {
    this.#servers = servers
    this.#description = description
  }

  /** `server` answers and is of no use: the next is tried first. */
  avoid(server: StoreServer): void {
    if (this.#servers[this.#preferred] === server)
      this.#preferred = (this.#preferred + 1) % this.#servers.length
  }

  /** @throws what the last of them threw; it is StoreUnavailable when there was none */
  async connect<Connection>(to: (server: StoreServer) => Promise<Connection>): Promise<Connection> {
    let failure: unknown = StoreUnavailable({ path: this.#description, reason: 'its URL names no server.' })
    const first = this.#preferred
    for (let tried = 0; tried < this.#servers.length; tried++) {
      const index = (first + tried) % this.#servers.length
      const server = this.#servers[index]
      if (!server) break
      try {
        const connection = await to(server)
        this.#preferred = index
        return connection
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}
