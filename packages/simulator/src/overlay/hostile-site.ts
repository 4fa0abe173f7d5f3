/**
 * A captured site that works with its like. It has its own keys and nobody else's, and tries with them:
 *
 *     views     to hand over only its like, as fresh as can be, and to push them to others unasked (hub attack)
 *     names     descriptors of others with a signature of its own; old ones of others under a new number
 *     deaths    cases against honest sites, signed by enough of its like; and the same with made-up signatures
 */

import type {
  Contact,
  Descriptor,
  Environment,
  Message,
  PingMessage,
  Protocol,
  Rumour,
  Signatures,
} from '@atoll/overlay'

export interface HostileSiteOptions {
  readonly environment: Environment
  readonly signatures: Signatures
  /** Those that it works with, itself among them. */
  readonly band: readonly { readonly descriptor: Descriptor; readonly signatures: Signatures }[]
  /** Honest sites as they were when it was captured. */
  readonly victims: readonly Descriptor[]
  readonly periodMs: number
  readonly shuffleLength: number
}

const SHUFFLES_PER_PERIOD = 4

export class HostileSite implements Protocol {
  readonly types = []
  readonly #options: HostileSiteOptions
  #isRunning = false

  constructor(options: HostileSiteOptions) {
    this.#options = options
  }

  start(): void {
    const { environment, periodMs } = this.#options
    this.#isRunning = true
    const again = () => {
      if (!this.#isRunning) return
      this.#pushBand()
      this.#tellLies()
      environment.clock.after(periodMs / SHUFFLES_PER_PERIOD, again)
    }
    environment.clock.after((periodMs * environment.random.below(1000)) / 1000, again)
  }

  stop(): void {
    this.#isRunning = false
  }

  /** It answers probes, so that it is not cut off, and exchanges with lies. */
  receive(from: Contact, message: Message): void {
    const { environment } = this.#options
    if (message.type === 'faults.ping')
      environment.send(from, { type: 'faults.ack', version: 1, seq: (message as PingMessage).seq } as Message)
    if (message.type === 'cyclon.check') environment.send(from, { type: 'cyclon.here', version: 1 })
    if (message.type === 'cyclon.shuffle')
      environment.send(from, { type: 'cyclon.answer', version: 1, entries: this.#bandEntries() } as Message)
  }

  #pushBand(): void {
    const { environment } = this.#options
    const victim = this.#victim()
    environment.send(victim.contact, {
      type: 'cyclon.shuffle',
      version: 1,
      entries: this.#bandEntries(),
    } as Message)
  }

  #tellLies(): void {
    const { environment, signatures, band } = this.#options
    const victim = this.#victim()
    const { site } = victim.contact
    const text = victim.signed.text.replace('"alive"', '"left"')
    const forged = { ...victim.signed, text, signature: signatures.sign(text) }
    const number = victim.incarnation + 1
    const suspicion = ({ signatures: by }: { signatures: Signatures }, signature?: string) => {
      const { incarnation } = victim
      const claim = JSON.stringify({ type: 'suspicion', suspect: site, incarnation, by: by.site })
      return { text: claim, signature: signature ?? by.sign(claim) }
    }
    const rumours: Rumour[] = [
      { topic: 'descriptor', subject: site, number: victim.incarnation, body: forged },
      { topic: 'descriptor', subject: site, number, body: victim.signed },
      {
        topic: 'case',
        subject: site,
        number: victim.incarnation,
        body: { suspicions: band.slice(0, 4).map((liar) => suspicion(liar)), silentMs: 60_000 },
      },
      {
        topic: 'case',
        subject: site,
        number: victim.incarnation,
        body: { suspicions: band.slice(0, 4).map((liar) => suspicion(liar, 'forged')), silentMs: 60_000 },
      },
    ]
    for (let count = 0; count < 6; count++)
      environment.send(this.#victim().contact, { type: 'rumours.news', version: 1, rumours } as Message)
  }

  #victim(): Descriptor {
    const { environment, victims } = this.#options
    const victim = victims[environment.random.below(victims.length)]
    if (!victim) throw new RangeError('nobody is left to be lied to')
    return victim
  }

  #bandEntries() {
    const { environment, band, shuffleLength } = this.#options
    const start = environment.random.below(band.length)
    return Array.from({ length: Math.min(shuffleLength, band.length) }, (_, step) => ({
      descriptor: band[(start + step) % band.length]?.descriptor.signed,
      age: 0,
    }))
  }
}
