/** Several protocols behind one entrance: each message goes to the one that takes its type. */

import { assert } from '@atoll/kit'
import type { Contact } from './contact.ts'
import type { Message } from './message.ts'
import { NameNumbers, putAt } from './name-numbers.ts'
import type { Protocol } from './protocol.ts'

/** Of the types that some protocol of this process takes. */
const numbers = new NameNumbers()

export class ProtocolSet implements Protocol {
  readonly #protocols: readonly Protocol[]
  /** By the number of a type. */
  readonly #takers: (Protocol | undefined)[] = []
  #isRunning = false
  #unknown = 0

  constructor(protocols: readonly Protocol[]) {
    this.#protocols = protocols
    for (const protocol of protocols) {
      for (const type of protocol.types) {
        const number = numbers.numberOf(type)
        assert(this.#takers[number] === undefined, `two protocols take ${type}`)
        putAt(this.#takers, number, protocol)
      }
    }
  }

  get types(): readonly string[] {
    return this.#protocols.flatMap(({ types }) => types)
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
    const number = numbers.find(message.type)
    const protocol = number === undefined ? undefined : this.#takers[number]
    if (protocol) protocol.receive(from, message)
    else this.#unknown++
  }
}
