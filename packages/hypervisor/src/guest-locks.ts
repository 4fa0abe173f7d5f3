/** One operation at a time per guest, in order of arrival; guests do not wait for each other. */

import { Limiter } from '@atoll/kit'

const WAITING_MAX = 32

export class GuestLocks {
  readonly #entries = new Map<string, { readonly limiter: Limiter; users: number }>()

  /** @throws TooBusy when too many operations wait for this guest */
  async run<T>(id: string, work: () => Promise<T>): Promise<T> {
    const entry = this.#entries.get(id) ?? { limiter: limiterOf(id), users: 0 }
    this.#entries.set(id, entry)
    entry.users++
    try {
      return await entry.limiter.run(work)
    } finally {
      if (--entry.users === 0) this.#entries.delete(id)
    }
  }
}

function limiterOf(id: string): Limiter {
  return new Limiter({ what: `instance ${id}`, concurrencyMax: 1, waitingMax: WAITING_MAX })
}
