/**
 * Finds out whether one site answers (A. Das, I. Gupta, A. Motivala, "SWIM", DSN 2002, §3.1):
 *
 *     ping ──▶ target                                       answered within SRTT + 4 RTTVAR + grace?
 *     ping ──▶ target, and ask ──▶ proxies ──ping──▶ target  anything within the time of both ways?
 *     nothing ⇒ silent
 *
 * All time-outs are stretched by the health of this process, and one that fires late gives what lies in the sockets
 * another chance first.
 */

import type { CancelTimer } from '@atoll/kit'
import type { SignedDescriptor } from '../membership/descriptor.ts'
import type { Contact } from '../protocol/contact.ts'
import type { Environment } from '../protocol/environment.ts'
import type { ProbeRider } from '../protocol/rider.ts'
import type { LocalHealth } from './local-health.ts'
import type { Member } from './member.ts'
import type { MemberTable } from './member-table.ts'
import type { AckMessage, AskMessage, PingMessage, ProxyMessage } from './messages.ts'
import { ProbeTimes } from './probe-times.ts'
import type { FaultSettings } from './settings.ts'

/** Proxies are the nearest of so many times their number. */
const PROXY_CHOICE = 3

export type ProbeResult = 'answered' | 'silent'

/** `startedMs`: when the probe began, on the monotonic clock. */
export type ProbeListener = (result: ProbeResult, startedMs: number) => void

/** `patient`: by proxies only when there is no direct answer. `thorough`: two pings and proxies at once, in a hurry. */
export type ProbeManner = 'patient' | 'thorough'

export interface ProberOptions {
  readonly environment: Environment
  readonly settings: FaultSettings
  readonly table: MemberTable
  readonly health: LocalHealth
  readonly riders: readonly ProbeRider[]
  /** True when many hold a site for gone, so that it must say that it is there to all. */
  readonly isDoubted: (member: Member) => boolean
  /** Takes a descriptor that came with an answer, unverified. */
  readonly onDescriptor: (descriptor: SignedDescriptor) => void
}

interface Probe {
  readonly member: Member
  readonly done: ProbeListener[]
  readonly startedMs: number
  readonly seqs: number[]
  dueMs: number
  /** Of the proxies asked, how many have not even said no. */
  quiet: number
  /** `proxy`: for another site, which is told at once. */
  stage: 'first' | 'last' | 'proxy'
  cancel: CancelTimer
}

export class Prober {
  readonly #options: ProberOptions
  /** By the number of each ping. */
  readonly #pings = new Map<number, { readonly probe: Probe; readonly sentMs: number }>()
  readonly #busy = new Map<Member, Probe>()
  readonly #times: ProbeTimes
  #seq = 0

  constructor(options: ProberOptions) {
    this.#options = options
    this.#times = new ProbeTimes(options.settings)
  }

  /** How long an answer of `member` may take, before health stretches it. */
  timeoutMs(member: Member): number {
    return this.#times.timeoutMs(member.time)
  }

  /** About how long a thorough probe of `member` takes that ends in silence. */
  thoroughMs(member: Member): number {
    return 1.5 * this.timeoutMs(member)
  }

  /** Probes a site; false when a probe of it is under way already, else `done` is called once. */
  probe(member: Member, done: ProbeListener, manner: ProbeManner = 'patient'): boolean {
    if (this.#busy.has(member)) return false
    const probe: Probe = {
      member,
      done: [done],
      startedMs: this.#options.environment.clock.monotonicMs(),
      seqs: [],
      dueMs: 0,
      quiet: 0,
      stage: manner === 'patient' ? 'first' : 'last',
      cancel: () => {},
    }
    this.#busy.set(member, probe)
    this.#ping(probe)
    if (manner === 'thorough') this.#askProxies(probe)
    else this.#wait(probe, this.timeoutMs(member))
    return true
  }

  /** Probes a site, or waits for the probe of it that is under way. */
  join(member: Member, done: ProbeListener, manner: ProbeManner): void {
    const probe = this.#busy.get(member)
    if (probe) probe.done.push(done)
    else this.probe(member, done, manner)
  }

  /** Pings a site for another one, which waits for `withinMs`. */
  probeFor(member: Member, withinMs: number, done: ProbeListener): void {
    const probe: Probe = {
      member,
      done: [done],
      startedMs: this.#options.environment.clock.monotonicMs(),
      dueMs: 0,
      quiet: 0,
      seqs: [],
      stage: 'proxy',
      cancel: () => {},
    }
    this.#ping(probe)
    this.#wait(probe, Math.min(this.timeoutMs(member), withinMs))
  }

  stop(): void {
    for (const { probe } of this.#pings.values()) probe.cancel()
    this.#pings.clear()
    this.#busy.clear()
  }

  hearAck(from: Contact, message: AckMessage): void {
    const ping = this.#pings.get(message.seq)
    if (!ping || ping.probe.member.site !== from.site) return
    const { environment, riders } = this.#options
    const { probe } = ping
    const rttMs = environment.clock.monotonicMs() - ping.sentMs
    this.#times.measured(probe.member.time, rttMs)
    for (const rider of riders) rider.unload(from, message.riders?.[rider.name], rttMs)
    this.#answered(probe, message.descriptor)
  }

  hearProxy(message: ProxyMessage): void {
    const probe = this.#pings.get(message.seq)?.probe
    if (!probe) return
    if (message.type === 'faults.nack') {
      probe.quiet--
      if (message.descriptor) this.#options.onDescriptor(message.descriptor)
    } else this.#answered(probe, message.descriptor)
  }

  #ping(probe: Probe): number {
    const { environment } = this.#options
    const { member } = probe
    const seq = ++this.#seq
    this.#pings.set(seq, { probe, sentMs: environment.clock.monotonicMs() })
    probe.seqs.push(seq)
    environment.send(member.descriptor.contact, {
      type: 'faults.ping',
      version: 1,
      seq,
      knows: member.descriptor.incarnation,
      isDoubted: this.#options.isDoubted(member),
    } as PingMessage)
    return seq
  }

  #wait(probe: Probe, timeoutMs: number): void {
    const { clock } = this.#options.environment
    // The last stage has no time to lose, and a pause of this process shows in the lateness of its timers.
    const waitMs = probe.stage === 'first' ? timeoutMs * this.#options.health.multiplier : timeoutMs
    probe.dueMs = clock.monotonicMs() + waitMs
    probe.cancel = clock.after(waitMs, () => this.#onTimeout(probe))
  }

  #onTimeout(probe: Probe): void {
    const { environment, settings, health } = this.#options
    if (environment.clock.monotonicMs() - probe.dueMs > settings.lateMs) {
      health.bad()
      this.#wait(probe, settings.graceMs)
    } else if (probe.stage === 'first') this.#askProxies(probe)
    else {
      // Where most proxies do not even say no, it is this site that is cut off, or slow.
      if (probe.quiet > 1) health.bad()
      this.#finish(probe, 'silent')
    }
  }

  #askProxies(probe: Probe): void {
    const { environment, settings, table } = this.#options
    const { member } = probe
    probe.stage = 'last'
    const seq = this.#ping(probe)
    // Of a few by chance the nearest: the way by them is hardly longer than the direct one.
    const proxies = table
      .sample(PROXY_CHOICE * settings.proxies, environment.random, member)
      .toSorted((left, right) => this.timeoutMs(left) - this.timeoutMs(right))
      .slice(0, settings.proxies)
    probe.quiet = proxies.length
    // From proxy to target is at most as far as by way of us, were it not for the routes of the Internet.
    const farthestMs = Math.max(0, ...proxies.map((proxy) => this.timeoutMs(proxy)))
    const withinMs = this.timeoutMs(member) + farthestMs
    const ask: AskMessage = {
      type: 'faults.ask',
      version: 1,
      seq,
      target: member.site,
      knows: member.descriptor.incarnation,
      isDoubted: this.#options.isDoubted(member),
      withinMs: withinMs - farthestMs,
    }
    for (const proxy of proxies) environment.send(proxy.descriptor.contact, ask)
    this.#wait(probe, withinMs)
  }

  #answered(probe: Probe, descriptor: SignedDescriptor | undefined): void {
    this.#options.health.good()
    if (descriptor) this.#options.onDescriptor(descriptor)
    this.#finish(probe, 'answered')
  }

  #finish(probe: Probe, result: ProbeResult): void {
    probe.cancel()
    for (const seq of probe.seqs) this.#pings.delete(seq)
    if (probe.stage !== 'proxy') this.#busy.delete(probe.member)
    for (const done of probe.done) done(result, probe.startedMs)
  }
}
