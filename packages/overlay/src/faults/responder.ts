/** What a site answers to the probes of others: that it is there, and whether somebody else answers whom it pings for them. */

import type { Descriptor } from '../membership/descriptor.ts'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { ProbeRider } from '../protocol/rider.ts'
import type { MemberTable } from './member-table.ts'
import type { AckMessage, AskMessage, PingMessage, ProxyMessage } from './messages.ts'
import type { Prober } from './prober.ts'

export interface ResponderOptions {
  readonly environment: Environment
  readonly table: MemberTable
  readonly prober: Prober
  readonly riders: readonly ProbeRider[]
  readonly self: () => Descriptor
  /** Somebody doubts this site in that incarnation. */
  readonly refute: (incarnation: number) => void
}

export class Responder {
  readonly #options: ResponderOptions

  constructor(options: ResponderOptions) {
    this.#options = options
  }

  answer(from: Contact, { seq, knows, isDoubted }: PingMessage): void {
    const { environment, self, table, refute } = this.#options
    if (isDoubted === true && Number.isSafeInteger(knows)) refute(knows)
    const own = self()
    const sender = table.cut === 0 ? undefined : table.find(from.site)
    const load = this.#loadOf(from)
    const ack: AckMessage =
      own.incarnation === knows && !load && sender?.state !== 'cut'
        ? { type: 'faults.ack', version: 1, seq }
        : {
            type: 'faults.ack',
            version: 1,
            seq,
            ...(own.incarnation === knows ? {} : { descriptor: own.signed }),
            ...(sender?.state === 'cut' ? { doubts: sender.descriptor.incarnation } : {}),
            ...(load ? { riders: load } : {}),
          }
    environment.send(from, ack)
    // Whoever speaks to us is there, whatever we thought.
    if (sender?.state === 'cut') table.setState(sender, 'alive')
  }

  /** Pings `target` for another site. */
  askFor(from: Contact, { seq, target, knows, isDoubted, withinMs }: AskMessage): void {
    const { table, self, prober } = this.#options
    const member = typeof target === 'string' ? table.find(target) : undefined
    if (!member || target === self().contact.site) return
    const isKnown = member.descriptor.incarnation > knows
    // The suspect has answered already, and the asker has not heard of it yet.
    if (isKnown && isDoubted) this.#reply(from, 'faults.nack', seq, member.descriptor)
    prober.probeFor(member, Number(withinMs) || 0, (result, _startedMs, { descriptor }) => {
      if (result === 'answered')
        this.#reply(from, 'faults.heard', seq, descriptor.incarnation > knows ? descriptor : undefined)
      else if (!isKnown) this.#reply(from, 'faults.nack', seq)
    })
  }

  #loadOf(from: Contact): Readonly<Record<string, unknown>> | undefined {
    let load: Record<string, unknown> | undefined
    for (const rider of this.#options.riders) {
      const data = rider.load(from)
      if (data !== undefined) load = { ...load, [rider.name]: data }
    }
    return load
  }

  #reply(to: Contact, type: ProxyMessage['type'], seq: number, descriptor?: Descriptor): void {
    const reply: ProxyMessage = descriptor
      ? { type, version: 1, seq, descriptor: descriptor.signed }
      : { type, version: 1, seq }
    this.#options.environment.send(to, reply)
  }
}
