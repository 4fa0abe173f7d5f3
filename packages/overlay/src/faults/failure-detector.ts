/**
 * Notices that sites are gone and that they are back: probes and indirect probes (SWIM), suspicions that several sites
 * must share and that the suspect can answer, and time-outs that know of this process's own slowness (Lifeguard).
 *
 *     probe silent ──▶ a few others, asked, find the same and sign it ──▶ quorum ──▶ a case that all hear of
 *     each: time for an answer, then a probe of its own ──silent──▶ cut      the suspect: a newer descriptor to all
 */

import { type CancelTimer, fraction } from '@atoll/kit'
import type { Rumour, Topic } from '../dissemination/rumour.ts'
import type { Descriptor, SignedDescriptor } from '../membership/descriptor.ts'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { Message } from '../protocol/message.ts'
import type { Protocol } from '../protocol/protocol.ts'
import type { ProbeRider } from '../protocol/rider.ts'
import type { Signatures } from '../protocol/signatures.ts'
import { LocalHealth } from './local-health.ts'
import type { Member } from './member.ts'
import { isHere, type MemberTable } from './member-table.ts'
import type {
  AckMessage,
  AskMessage,
  DoubtMessage,
  PingMessage,
  ProxyMessage,
  SeenMessage,
} from './messages.ts'
import { ProbeTimes } from './probe-times.ts'
import { type ProbeResult, Prober } from './prober.ts'
import { Responder } from './responder.ts'
import type { FaultSettings } from './settings.ts'
import { type ReadSuspicion, readCase, readSuspicion, suspicionText } from './suspicion.ts'
import { SuspicionBook } from './suspicion-book.ts'

export interface FailureDetectorOptions {
  readonly environment: Environment
  readonly settings: FaultSettings
  readonly table: MemberTable
  readonly signatures: Signatures
  readonly self: () => Descriptor
  /** This site is doubted in the incarnation that it has: callers issue a newer descriptor and tell all. */
  readonly onDoubted: (incarnation: number) => void
  /** Takes a descriptor from another site, unverified. */
  readonly onDescriptor: (descriptor: SignedDescriptor) => void
  readonly tell: (rumour: Rumour) => void
  readonly riders?: readonly ProbeRider[]
}

const CASE_TOPIC = 'case'

/** Asked at once at most, however often no quorum came. */
const VERIFIERS_MAX = 64

export class FailureDetector implements Protocol {
  readonly types = [
    'faults.ping',
    'faults.ack',
    'faults.ask',
    'faults.heard',
    'faults.nack',
    'faults.doubt',
    'faults.missed',
    'faults.seen',
  ]
  readonly health: LocalHealth
  readonly #options: FailureDetectorOptions
  readonly #prober: Prober
  readonly #responder: Responder
  readonly #book: SuspicionBook
  readonly #timers = new Map<string, CancelTimer>()
  /** Those that are being watched, to go round. */
  #round: Member[] = []
  #watched: readonly Member[] = []
  #eagerUntilMs = 0

  constructor(options: FailureDetectorOptions) {
    const { settings, environment, table, self, riders = [], onDescriptor } = options
    this.#options = options
    this.health = new LocalHealth(settings.healthMax)
    const times = new ProbeTimes(settings)
    this.#prober = new Prober({
      environment,
      settings,
      table,
      times,
      health: this.health,
      riders,
      onDescriptor,
      isDoubted: (member) => member.state === 'cut' || this.#book.isPublic(member),
    })
    this.#responder = new Responder({
      environment,
      table,
      prober: this.#prober,
      riders,
      self,
      refute: (incarnation) => this.#refute(incarnation),
    })
    this.#book = new SuspicionBook({
      environment,
      settings,
      table,
      times,
      onSilent: (member) => this.#suspect(member),
      probe: (member, done, manner) => this.#prober.join(member, done, manner),
      thoroughMs: (member) => this.#prober.thoroughMs(member),
      onQuorum: (member, suspicions, silentMs) => {
        const body = { suspicions, silentMs: Math.round(silentMs) }
        const number = member.descriptor.incarnation
        this.#options.tell({ topic: CASE_TOPIC, subject: member.site, number, body })
        this.#book.publish(member, [], silentMs)
      },
    })
    table.onChange((member, before) => {
      if (!isHere(member.state) || before === 'suspect') this.#book.close(member)
      if (before === 'cut' && member.state === 'alive') this.#onReturn()
    })
  }

  /** The rules by which cases spread; to be added to the rumours. */
  get topic(): Topic {
    return {
      name: CASE_TOPIC,
      isUrgent: true,
      waves: 2,
      isKept: true,
      accept: (rumour) => this.#accept(rumour),
    }
  }

  start(): void {
    const { settings } = this.#options
    this.#every('watch', settings.watchMs, this.#watch)
    this.#every('round', settings.roundMs, this.#probeRound)
    this.#every('retry', settings.retryMs, this.#retry)
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
    this.#prober.stop()
    this.#book.stop()
  }

  /** Whoever speaks to us is there, be it late; callers call it for every message. */
  heardFrom(site: string): void {
    if (this.#book.isEmpty) return
    const member = this.#options.table.find(site)
    if (member?.state === 'suspect') this.#book.heard(member)
  }

  receive(from: Contact, message: Message): void {
    switch (message.type) {
      case 'faults.ping':
        this.#responder.answer(from, message as PingMessage)
        break
      case 'faults.ack':
        if (Number.isSafeInteger((message as AckMessage).doubts))
          this.#refute(Number((message as AckMessage).doubts))
        this.#prober.hearAck(from, message as AckMessage)
        break
      case 'faults.ask':
        this.#responder.askFor(from, message as AskMessage)
        break
      case 'faults.doubt':
        this.#hearDoubt(from, message as DoubtMessage)
        break
      case 'faults.missed':
        this.#hearMissed(from, message as DoubtMessage)
        break
      case 'faults.seen':
        this.#hearSeen(message as SeenMessage)
        break
      case 'faults.heard':
      case 'faults.nack':
        this.#prober.hearProxy(message as ProxyMessage)
    }
  }

  /** Calls `action` about every `intervalMs`, later when this process is not well. */
  #every(name: string, intervalMs: number, action: () => void): void {
    const { clock, random } = this.#options.environment
    const fire = () => {
      const health = Math.min(this.health.multiplier, 2)
      this.#timers.set(name, clock.after(intervalMs * health * (0.95 + fraction(random) / 10), fire))
      action()
    }
    this.#timers.set(name, clock.after(intervalMs * fraction(random), fire))
  }

  /** All watched sites at once: it is their several watchers that spread the probes of one site over the time. */
  readonly #watch = (): void => {
    const { table, settings } = this.#options
    this.#watched = table.next(settings.watched)
    for (const member of this.#watched) this.#probe(member)
  }

  readonly #probeRound = (): void => {
    const { table, environment } = this.#options
    if (this.#round.length === 0) this.#round = [...table.all]
    for (let tries = 0; tries < 16 && this.#round.length > 0; tries++) {
      const place = environment.random.below(this.#round.length)
      const member = this.#round[place]
      const last = this.#round.pop()
      if (last && place < this.#round.length) this.#round[place] = last
      if (member && isHere(member.state)) {
        this.#probe(member)
        return
      }
    }
  }

  /** Those that are cut off are tried for ever, so that a site can come back after any time. */
  readonly #retry = (): void => {
    const { table, environment } = this.#options
    if (table.cut === 0) return
    const { all } = table
    const start = environment.random.below(Math.max(1, all.length))
    for (let step = 0; step < all.length; step++) {
      const member = all[(start + step) % all.length]
      if (member?.state !== 'cut') continue
      this.#prober.probe(member, (result) => {
        if (result === 'answered' && member.state === 'cut') table.setState(member, 'alive')
      })
      return
    }
  }

  /** Where one came back, others may have: an island heals as a whole. */
  #onReturn(): void {
    const { clock } = this.#options.environment
    const isEager = clock.monotonicMs() < this.#eagerUntilMs
    this.#eagerUntilMs = clock.monotonicMs() + this.#options.settings.retryMs
    if (!isEager) this.#retryEagerly()
  }

  readonly #retryEagerly = (): void => {
    const { clock } = this.#options.environment
    if (clock.monotonicMs() >= this.#eagerUntilMs) return
    this.#retry()
    this.#timers.set('eager', clock.after(this.#options.settings.eagerRetryMs, this.#retryEagerly))
  }

  #probe(member: Member): void {
    this.#prober.probe(member, this.#onResult)
  }

  readonly #onResult = (result: ProbeResult, startedMs: number, member: Member): void => {
    if (result === 'answered') this.#book.answered(member, startedMs)
    else if (isHere(member.state)) this.#suspect(member, startedMs)
  }

  /** Signs that `member` did not answer, and asks others to look for themselves. */
  #suspect(member: Member, startedMs?: number): void {
    const { environment, table, settings } = this.#options
    if (this.#book.isPublic(member)) return
    const suspicion = this.#sign(member)
    this.#book.add(member, suspicion, startedMs)
    if (this.#book.isPublic(member)) return
    const { text, signature } = suspicion
    const doubt: DoubtMessage = { type: 'faults.doubt', version: 1, suspicion: { text, signature } }
    const count = Math.min(VERIFIERS_MAX, settings.verifiers * 2 ** this.#book.nextRound(member))
    for (const { descriptor } of table.sample(count, environment.random, member))
      environment.send(descriptor.contact, doubt)
  }

  #sign(member: Member): ReadSuspicion {
    const { signatures } = this.#options
    const { incarnation } = member.descriptor
    const claim = { suspect: member.site, incarnation, by: signatures.site }
    const text = suspicionText(claim)
    return { ...claim, text, signature: signatures.sign(text) }
  }

  /** Another site has missed one, and asks us to look. */
  #hearDoubt(from: Contact, message: DoubtMessage): void {
    const { environment, table } = this.#options
    const suspicion = readSuspicion(message.suspicion)
    const member = suspicion && table.find(suspicion.suspect)
    if (!member || suspicion.by !== from.site || !this.#book.believes(from.site)) return
    const seen = () => {
      const isNewer = member.descriptor.incarnation > suspicion.incarnation
      environment.send(from, {
        type: 'faults.seen',
        version: 1,
        site: member.site,
        ...(isNewer ? { descriptor: member.descriptor.signed } : {}),
      } as SeenMessage)
    }
    if (member.descriptor.incarnation > suspicion.incarnation || this.#book.isVouchedFor(member)) {
      seen()
      return
    }
    const onResult = (result: ProbeResult, startedMs: number) => {
      if (result === 'answered') {
        this.#book.answered(member, startedMs)
        seen()
        return
      }
      if (!isHere(member.state) && member.state !== 'cut') return
      const { text, signature } = this.#sign(member)
      environment.send(from, {
        type: 'faults.missed',
        version: 1,
        suspicion: { text, signature },
      } as DoubtMessage)
    }
    this.#prober.join(member, onResult, 'thorough')
  }

  #hearMissed(from: Contact, message: DoubtMessage): void {
    const suspicion = readSuspicion(message.suspicion)
    const member = suspicion && this.#options.table.find(suspicion.suspect)
    if (member?.state !== 'suspect' || suspicion?.by !== from.site) return
    if (this.#isGenuine(member, suspicion)) this.#book.add(member, suspicion)
  }

  /** What one site has seen is no proof for another, but a newer descriptor is. */
  #hearSeen({ descriptor }: SeenMessage): void {
    if (descriptor) this.#options.onDescriptor(descriptor)
  }

  /** True for a suspicion of what we know of the suspect, by a member that we believe, with its signature. */
  #isGenuine(member: Member, { incarnation, by, text, signature }: ReadSuspicion): boolean {
    if (incarnation !== member.descriptor.incarnation || by === member.site) return false
    return (
      this.#isMember(by) && this.#book.believes(by) && this.#options.signatures.verify(by, text, signature)
    )
  }

  #accept({ subject, number, body }: Rumour): boolean | 'old' {
    const { signatures, table } = this.#options
    const genuine = readCase(body, subject, number).filter(
      ({ by, text, signature }) =>
        by !== subject && this.#isMember(by) && signatures.verify(by, text, signature),
    )
    if (subject === signatures.site) {
      if (genuine.length > 0) this.#refute(number)
      return genuine.length > 0 && 'old'
    }
    const member = table.find(subject)
    if (!member || genuine.length < this.#book.quorum || number > member.descriptor.incarnation) return false
    const isOver = number < member.descriptor.incarnation || !isHere(member.state)
    if (isOver || this.#book.isPublic(member)) return 'old'
    if (this.#book.isVouchedFor(member) || !genuine.every(({ by }) => this.#book.believes(by))) return false
    const { silentMs } = Object(body) as { silentMs?: unknown }
    this.#book.publish(member, genuine, typeof silentMs === 'number' ? silentMs : 0)
    return true
  }

  #isMember(site: string): boolean {
    const { signatures, table } = this.#options
    const member = table.find(site)
    return site === signatures.site || (member !== undefined && member.state !== 'left')
  }

  /** Others doubt us: we say that we are there, unless we have said so since. */
  #refute(incarnation: number): void {
    const { self, onDoubted } = this.#options
    const { incarnation: own, state } = self()
    if (incarnation < own || state !== 'alive') return
    this.health.bad()
    onDoubted(incarnation)
  }
}
