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
import { OpenProbes } from './open-probes.ts'
import type { ProbeTimes } from './probe-times.ts'
import type { FaultSettings } from './settings.ts'

/** Proxies are the nearest of so many times their number. */
const PROXY_CHOICE = 3

export type ProbeResult = 'answered' | 'silent'

/** `startedMs`: when the probe of `member` began, on the monotonic clock. */
export type ProbeListener = (result: ProbeResult, startedMs: number, member: Member) => void

/** `patient`: by proxies only when there is no direct answer. `thorough`: two pings and proxies at once, in a hurry. */
export type ProbeManner = 'patient' | 'thorough'

export interface ProberOptions {
  readonly environment: Environment
  readonly settings: FaultSettings
  readonly table: MemberTable
  readonly times: ProbeTimes
  readonly health: LocalHealth
  readonly riders: readonly ProbeRider[]
  /** True when many hold a site for gone, so that it must say that it is there to all. */
  readonly isDoubted: (member: Member) => boolean
  /** Takes a descriptor that came with an answer, unverified. */
  readonly onDescriptor: (descriptor: SignedDescriptor) => void
}

/** One that is under way. */
export interface Probe {
  readonly member: Member
  /** Who began it, and who joined. */
  readonly done: ProbeListener
  joined: readonly ProbeListener[]
  /** Its first ping was sent then. */
  readonly startedMs: number
  seq: number
  /** Of the second ping, if there is one. */
  secondSeq: number
  secondMs: number
  dueMs: number
  /** Of the proxies asked, how many have not even said no. */
  quiet: number
  /** `proxy`: for another site, which is told at once. */
  stage: 'first' | 'last' | 'proxy'
  cancel: CancelTimer
}

export class Prober {
  readonly #options: ProberOptions
  // What each datagram needs lies here, not one object further.
  readonly #environment: Environment
  readonly #times: ProbeTimes
  readonly #open = new OpenProbes<Probe>()

  constructor(options: ProberOptions) {
    this.#options = options
    this.#environment = options.environment
    this.#times = options.times
  }

  /** How long an answer of `member` may take, before health stretches it. */
  timeoutMs(member: Member): number {
    return this.#times.timeoutMs(member.place)
  }

  /** About how long a thorough probe of `member` takes that ends in silence. */
  thoroughMs(member: Member): number {
    return 1.5 * this.timeoutMs(member)
  }

  /** Probes a site; false when a probe of it is under way already, else `done` is called once. */
  probe(member: Member, done: ProbeListener, manner: ProbeManner = 'patient'): boolean {
    if (member.probe) return false
    const probe = this.#begin(member, done, manner === 'patient' ? 'first' : 'last')
    member.probe = probe
    if (manner === 'thorough') this.#askProxies(probe)
    else this.#wait(probe, this.timeoutMs(member))
    return true
  }

  /** Probes a site, or waits for the probe of it that is under way. */
  join(member: Member, done: ProbeListener, manner: ProbeManner): void {
    const { probe } = member
    if (probe) probe.joined = [...probe.joined, done]
    else this.probe(member, done, manner)
  }

  /** Pings a site for another one, which waits for `withinMs`. */
  probeFor(member: Member, withinMs: number, done: ProbeListener): void {
    const probe = this.#begin(member, done, 'proxy')
    this.#wait(probe, Math.min(this.timeoutMs(member), withinMs))
  }

  stop(): void {
    for (const probe of this.#open.all()) {
      probe.cancel()
      probe.member.probe = undefined
    }
    this.#open.clear()
  }

  hearAck(from: Contact, message: AckMessage): void {
    const probe = this.#open.find(message.seq)
    if (probe?.member.site !== from.site) return
    const sentMs = message.seq === probe.seq ? probe.startedMs : probe.secondMs
    const rttMs = this.#environment.clock.monotonicMs() - sentMs
    this.#times.measured(probe.member.place, rttMs)
    for (const rider of this.#options.riders) rider.unload(from, message.riders?.[rider.name], rttMs)
    this.#answered(probe, message.descriptor)
  }

  hearProxy(message: ProxyMessage): void {
    const probe = this.#open.find(message.seq)
    if (!probe) return
    if (message.type === 'faults.nack') {
      probe.quiet--
      if (message.descriptor) this.#options.onDescriptor(message.descriptor)
    } else this.#answered(probe, message.descriptor)
  }

  /** Sends the first ping. */
  #begin(member: Member, done: ProbeListener, stage: Probe['stage']): Probe {
    const probe: Probe = {
      member,
      done,
      joined: nobody,
      startedMs: this.#environment.clock.monotonicMs(),
      seq: this.#open.nextSeq(),
      secondSeq: 0,
      secondMs: 0,
      dueMs: 0,
      quiet: 0,
      stage,
      cancel: neverSet,
    }
    this.#ping(probe, probe.seq)
    return probe
  }

  #ping(probe: Probe, seq: number): void {
    const { member } = probe
    this.#open.put(seq, probe)
    this.#environment.send(member.descriptor.contact, {
      type: 'faults.ping',
      version: 1,
      seq,
      knows: member.descriptor.incarnation,
      isDoubted: this.#options.isDoubted(member),
    } as PingMessage)
  }

  #wait(probe: Probe, timeoutMs: number): void {
    const { clock } = this.#environment
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
    probe.secondSeq = this.#open.nextSeq()
    probe.secondMs = environment.clock.monotonicMs()
    this.#ping(probe, probe.secondSeq)
    // Of a few by chance the nearest: the way by them is hardly longer than the direct one.
    const choice = table.sample(PROXY_CHOICE * settings.proxies, environment.random, member)
    const { proxies, farthestMs } = this.#nearest(choice, settings.proxies)
    probe.quiet = proxies.length
    // From proxy to target is at most as far as by way of us, were it not for the routes of the Internet.
    const withinMs = this.timeoutMs(member) + farthestMs
    const ask: AskMessage = {
      type: 'faults.ask',
      version: 1,
      seq: probe.secondSeq,
      target: member.site,
      knows: member.descriptor.incarnation,
      isDoubted: this.#options.isDoubted(member),
      withinMs: withinMs - farthestMs,
    }
    for (const proxy of proxies) environment.send(proxy.descriptor.contact, ask)
    this.#wait(probe, withinMs)
  }

  /** Those `count` whose answers take the least time, in that order, and the time of the last of them. */
  #nearest(members: readonly Member[], count: number): { proxies: readonly Member[]; farthestMs: number } {
    const proxies: Member[] = []
    const timesMs: number[] = []
    for (const member of members) {
      const timeMs = this.timeoutMs(member)
      let place = proxies.length
      while (place > 0 && (timesMs[place - 1] ?? 0) > timeMs) place--
      if (place >= count) continue
      proxies.splice(place, 0, member)
      timesMs.splice(place, 0, timeMs)
      proxies.length = Math.min(proxies.length, count)
    }
    return { proxies, farthestMs: timesMs[proxies.length - 1] ?? 0 }
  }

  #answered(probe: Probe, descriptor: SignedDescriptor | undefined): void {
    this.#options.health.good()
    if (descriptor) this.#options.onDescriptor(descriptor)
    this.#finish(probe, 'answered')
  }

  #finish(probe: Probe, result: ProbeResult): void {
    probe.cancel()
    this.#open.delete(probe)
    if (probe.stage !== 'proxy') probe.member.probe = undefined
    probe.done(result, probe.startedMs, probe.member)
    for (const done of probe.joined) done(result, probe.startedMs, probe.member)
  }
}

const neverSet: CancelTimer = () => {}
const nobody: readonly ProbeListener[] = []
