/** Several protocols behind one entrance: each message goes to the one that takes its type. */

import { assert } from '@atoll/kit'
import type { Contact } from './contact.ts'
import type { Message } from './message.ts'
import type { Protocol } from './protocol.ts'

export class ProtocolSet implements Protocol {
  readonly #protocols: readonly Protocol[]
  readonly #byType = new Map<string, Protocol>()
  #isRunning = false
  #unknown = 0

  constructor(protocols: readonly Protocol[]) {
    this.#protocols = protocols
    for (const protocol of protocols) {
      for (const type of protocol.types) {
        assert(!this.#byType.has(type), `two protocols take ${type}`)
        this.#byType.set(type, protocol)
      }
    }
  }

  get types(): readonly string[] {
    return [...this.#byType.keys()]
  }

  /** How many messages were ignored because nobody knows their type: a newer release speaks to us. */
  get unknown(): number {
    return this.#unknown
  }

  /** Starts them in order. */
  start(): void {
    assert(!this.#isRunning, 'protocols are started once')
    this.#isRunning = true
    for (const protocol of this.#protocols) protocol.start()
  }

  /** Stops them in reverse order; may be called at any time. */
  stop(): void {
    if (!this.#isRunning) return
    this.#isRunning = false
    for (const protocol of this.#protocols.toReversed()) protocol.stop()
  }

  receive(from: Contact, message: Message): void {
    if (!this.#isRunning) return
    const protocol = this.#byType.get(message.type)
    if (protocol) protocol.receive(from, message)
    else this.#unknown++
  }
}
