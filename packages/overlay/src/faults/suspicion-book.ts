/**
 * The open suspicions that one site knows of, and how each of them ends:
 *
 *     private   we missed it: probe again and again       quorum signed ──▶ public;  silent all the time ──▶ cut
 *     public    all sites hear of the case                time over ──▶ own last probe ──▶ cut
 *     either    an answer, or a newer descriptor ──▶ alive
 */

import type { CancelTimer } from '@atoll/kit'
import type { Environment } from '../protocol/environment.ts'
import type { Member } from './member.ts'
import { isHere, type MemberTable } from './member-table.ts'
import type { ProbeTimes } from './probe-times.ts'
import type { ProbeListener, ProbeManner, ProbeResult } from './prober.ts'
import type { FaultSettings } from './settings.ts'
import type { ReadSuspicion, SignedSuspicion } from './suspicion.ts'

export interface SuspicionBookOptions {
  readonly environment: Environment
  readonly settings: FaultSettings
  readonly table: MemberTable
  readonly times: ProbeTimes
  /** Probes it, or waits for the probe that is under way. */
  readonly probe: (member: Member, done: ProbeListener, manner: ProbeManner) => void
  /** About how long a thorough probe takes that ends in silence. */
  readonly thoroughMs: (member: Member) => number
  /** A further probe of a suspect was silent: others are to be asked again. */
  readonly onSilent: (member: Member) => void
  /** A quorum has signed; `silentMs` ago the first probe began that was not answered. */
  readonly onQuorum: (member: Member, suspicions: readonly SignedSuspicion[], silentMs: number) => void
}

interface Suspicion {
  readonly incarnation: number
  readonly signed: Map<string, SignedSuspicion>
  readonly startedMs: number
  /** When we heard of the case; undefined while it is private. */
  publicMs: number | undefined
  /** How often we have looked for others to sign. */
  rounds: number
  cancel: CancelTimer
}

/** So many of a site's suspicions may turn out wrong in WRONG_MS; then it is not believed for the rest of that time. */
const WRONG_MAX = 16
const WRONG_MS = 600_000

const LAST_PROBES = 2

export class SuspicionBook {
  readonly #options: SuspicionBookOptions
  readonly #open = new Map<Member, Suspicion>()
  /** Nothing is open: asked for each datagram. */
  isEmpty = true
  readonly #openBy = new Map<string, number>()
  readonly #wrongBy = new Map<string, { count: number; readonly sinceMs: number }>()

  constructor(options: SuspicionBookOptions) {
    this.#options = options
  }

  stop(): void {
    for (const { cancel } of this.#open.values()) cancel()
    this.#open.clear()
    this.isEmpty = true
    this.#openBy.clear()
  }

  /** True when `member` answered a moment ago: later than what anybody can hold against it. */
  isVouchedFor(member: Member): boolean {
    const { environment, settings, times } = this.#options
    return environment.clock.monotonicMs() - times.answeredMs(member.place) < settings.initialMs
  }

  /** True when a suspicion by `by` counts: it has not too many open, and was not too often wrong. */
  believes(by: string): boolean {
    const wrong = this.#wrongBy.get(by)
    if (wrong && this.#nowMs - wrong.sinceMs > WRONG_MS) this.#wrongBy.delete(by)
    else if (wrong && wrong.count >= WRONG_MAX) return false
    return (this.#openBy.get(by) ?? 0) < this.#options.settings.openSuspicionsMax
  }

  isPublic(member: Member): boolean {
    return !this.isEmpty && this.#open.get(member)?.publicMs !== undefined
  }

  /** How often others were asked to look at `member` so far; counts this time. */
  nextRound(member: Member): number {
    const open = this.#open.get(member)
    return open ? open.rounds++ : 0
  }

  /** Takes a genuine suspicion of the current incarnation; `sinceMs` is when the probe began that found it. */
  add(member: Member, { by, text, signature }: ReadSuspicion, sinceMs = this.#nowMs): void {
    const open = this.#openFor(member, sinceMs)
    if (!open || open.signed.has(by)) return
    this.#sign(open, by, { text, signature })
    if (open.publicMs === undefined && open.signed.size >= this.quorum)
      this.#options.onQuorum(
        member,
        [...open.signed.values()].slice(0, this.quorum),
        this.#nowMs - open.startedMs,
      )
  }

  /** A case is known to all: the suspect hears of it, too, and has time to answer. */
  publish(member: Member, suspicions: readonly ReadSuspicion[], silentMs: number): void {
    const { suspicionMsMin, silenceMsMin } = this.#options.settings
    const open = this.#openFor(member, this.#nowMs)
    if (!open || open.publicMs !== undefined) return
    open.publicMs = this.#nowMs
    for (const { by, text, signature } of suspicions) this.#sign(open, by, { text, signature })
    const waitMs = Math.max(suspicionMsMin, silenceMsMin - Math.max(0, silentMs))
    this.#schedule(member, open, this.#nowMs + waitMs)
  }

  /** How many must have signed: fewer where fewer are left. */
  get quorum(): number {
    return Math.min(this.#options.settings.quorum, Math.max(1, this.#options.table.here))
  }

  /** The site has answered a probe of our own that began at `sinceMs`: it was there then, whenever we hear of it. */
  answered(member: Member, sinceMs: number): void {
    this.#options.times.answered(member.place, sinceMs)
    const open = this.isEmpty ? undefined : this.#open.get(member)
    if (open === undefined || (open.publicMs !== undefined && sinceMs < open.publicMs)) return
    if (open.publicMs !== undefined) for (const by of open.signed.keys()) this.#blame(by)
    this.#options.table.setState(member, 'alive')
    this.close(member)
  }

  /** Some message of the site has come, from whenever: enough to drop what only we hold against it. */
  heard(member: Member): void {
    const open = this.#open.get(member)
    if (!open || open.publicMs !== undefined) return
    this.#options.table.setState(member, 'alive')
    this.close(member)
  }

  /** Forgets what is held against a site. */
  close(member: Member): void {
    const open = this.#open.get(member)
    if (!open) return
    open.cancel()
    this.#open.delete(member)
    this.isEmpty = this.#open.size === 0
    for (const by of open.signed.keys()) {
      const left = (this.#openBy.get(by) ?? 1) - 1
      if (left > 0) this.#openBy.set(by, left)
      else this.#openBy.delete(by)
    }
  }

  get #nowMs(): number {
    return this.#options.environment.clock.monotonicMs()
  }

  #openFor(member: Member, startedMs: number): Suspicion | undefined {
    const { table, settings } = this.#options
    if (!isHere(member.state)) return undefined
    const known = this.#open.get(member)
    if (known) return known
    const open: Suspicion = {
      incarnation: member.descriptor.incarnation,
      signed: new Map(),
      startedMs,
      publicMs: undefined,
      rounds: 0,
      cancel: () => {},
    }
    this.#open.set(member, open)
    this.isEmpty = false
    table.setState(member, 'suspect')
    this.#lookAgain(member, open, settings.watchMs)
    return open
  }

  #sign(open: Suspicion, by: string, signed: SignedSuspicion): void {
    if (open.signed.has(by)) return
    open.signed.set(by, signed)
    this.#openBy.set(by, (this.#openBy.get(by) ?? 0) + 1)
  }

  #blame(by: string): void {
    const wrong = this.#wrongBy.get(by)
    if (wrong && this.#nowMs - wrong.sinceMs <= WRONG_MS) wrong.count++
    else this.#wrongBy.set(by, { count: 1, sinceMs: this.#nowMs })
  }

  #lookAgain(member: Member, open: Suspicion, delayMs: number): void {
    const { environment, settings, table, probe, onSilent } = this.#options
    open.cancel = environment.clock.after(delayMs, () => {
      const onResult = (result: ProbeResult, startedMs: number) => {
        if (result === 'answered') this.answered(member, startedMs)
        else if (this.#open.get(member) !== open || open.publicMs !== undefined) return
        else if (this.#nowMs - open.startedMs > settings.suspicionMsMax) table.setState(member, 'cut')
        else {
          onSilent(member)
          if (open.publicMs === undefined) this.#lookAgain(member, open, settings.watchMs / 2)
        }
      }
      probe(member, onResult, 'patient')
    })
  }

  /** The last probes shall end when the time of the suspect does. */
  #schedule(member: Member, open: Suspicion, dueMs: number): void {
    const { environment, thoroughMs } = this.#options
    open.cancel()
    const delayMs = dueMs - LAST_PROBES * thoroughMs(member) - this.#nowMs
    open.cancel = environment.clock.after(delayMs, () => this.#conclude(member, open, LAST_PROBES))
  }

  /** `probes` in a row, by other proxies each time, must be silent: one of them would know of an answer we missed. */
  #conclude(member: Member, open: Suspicion, probes: number): void {
    const { table, probe } = this.#options
    const askedMs = this.#nowMs
    const onResult = (result: ProbeResult, startedMs: number) => {
      if (result === 'answered') this.answered(member, startedMs)
      if (this.#open.get(member) !== open) return
      // An answer to a ping from before the case proves nothing. A probe that was under way takes from the suspect's time.
      if (result === 'answered' || startedMs < askedMs) this.#conclude(member, open, probes)
      else if (probes > 1) this.#conclude(member, open, probes - 1)
      else table.setState(member, 'cut')
    }
    probe(member, onResult, 'thorough')
  }
}
