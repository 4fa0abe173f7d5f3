/**
 * Thousands of sites that exchange datagrams in virtual time: delays by a matrix of round trips, loss, islands, crashes,
 * and sites whose process stands still for a while. One seed is one run.
 *
 *     send ──▶ lost? ──▶ heap, due after half a round trip ──▶ same island now? ──▶ alive? ──▶ stalled? wait ──▶ receive
 *
 * A process that stood still runs its timers before it reads its sockets, as the event loop of Node does.
 */

import { assert, type CancelTimer, fraction, type Random, seededRandom } from '@atoll/kit'
import type { Contact, Environment, Message, Protocol } from '@atoll/overlay'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'
import { EventHeap, TIMER } from './event-heap.ts'
import { RunHash } from './run-hash.ts'
import { SiteWorld, type WorldOfSites } from './site-world.ts'

export interface DatagramNetworkOptions {
  readonly seed: number
  readonly rtt: RttMatrix
  /** The share of datagrams, in [0, 1], that never arrive. Default: 0. */
  readonly loss?: number
  /** A datagram takes up to this share of half a round trip longer. Default: 0.1. */
  readonly jitter?: number
}

export interface Traffic {
  readonly sent: number
  readonly lost: number
  readonly delivered: number
  readonly events: number
}

/** By how much what was read from a socket comes after the timers that became due meanwhile. */
const SOCKETS_AFTER_TIMERS_MS = 1e-6

export class DatagramNetwork implements WorldOfSites {
  loss: number
  rtt: RttMatrix
  /** Sees each datagram when it is sent, for what a scenario counts. */
  onSend: ((from: number, to: number, message: Message) => void) | undefined
  readonly seed: number
  readonly #jitter: number
  readonly #random: Random
  readonly #heap = new EventHeap()
  readonly #hash = new RunHash()
  readonly #contacts: Contact[] = []
  readonly #worlds: SiteWorld[] = []
  readonly #protocols: (Protocol | undefined)[] = []
  // What each event asks of its node lies in flat arrays, which stay in the cache.
  readonly #isUp: Uint8Array
  /** Rises with each crash: timers of an earlier life do nothing. */
  readonly #life: Int32Array
  readonly #island: Int32Array
  readonly #stalledUntilMs: Float64Array
  readonly #indexes = new Map<string, number>()
  #nowMs = 0
  #sent = 0
  #lost = 0
  #delivered = 0
  #events = 0

  constructor({ seed, rtt, loss = 0, jitter = 0.1 }: DatagramNetworkOptions) {
    this.seed = seed
    this.rtt = rtt
    this.loss = loss
    this.#jitter = jitter
    this.#random = this.random('network')
    this.#isUp = new Uint8Array(rtt.size)
    this.#life = new Int32Array(rtt.size)
    this.#island = new Int32Array(rtt.size)
    this.#stalledUntilMs = new Float64Array(rtt.size)
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get size(): number {
    return this.#contacts.length
  }

  get traffic(): Traffic {
    return { sent: this.#sent, lost: this.#lost, delivered: this.#delivered, events: this.#events }
  }

  /** Of all events so far, in hexadecimal: equal for two runs of one seed. */
  get digest(): string {
    return this.#hash.digest
  }

  /** Chance for one purpose, whose stream does not shift when another draws more. */
  random(purpose: string): Random {
    return seededRandom(`${this.seed}/${purpose}`)
  }

  /** Adds a node that is down, at the next row of the matrix, and returns its index. */
  add(site: string): number {
    const index = this.#contacts.length
    assert(!this.#indexes.has(site), `two sites are named ${site}`)
    assert(index < Math.min(this.rtt.size, this.#isUp.length), 'the matrix has no row for another site')
    this.#indexes.set(site, index)
    this.#contacts.push(Object.freeze({ site, addresses: Object.freeze([]) }))
    this.#worlds.push(new SiteWorld(this, index, this.random(`site ${site}`)))
    this.#protocols.push(undefined)
    return index
  }

  contactOf(index: number): Contact {
    return existing(this.#contacts[index])
  }

  environmentOf(index: number): Environment {
    return existing(this.#worlds[index])
  }

  indexOf(site: string): number | undefined {
    return this.#indexes.get(site)
  }

  isUp(index: number): boolean {
    return this.#isUp[index] === 1
  }

  /** Lets a node run `protocol`. */
  start(index: number, protocol: Protocol): void {
    assert(index >= 0 && index < this.size, 'no such node')
    assert(!this.isUp(index), 'the node runs already')
    this.#protocols[index] = protocol
    this.#isUp[index] = 1
    this.#stalledUntilMs[index] = 0
    protocol.start()
  }

  /** Ends a node at once: nothing of it is sent or heard any more, and its timers are gone. */
  crash(index: number): void {
    assert(index >= 0 && index < this.size, 'no such node')
    this.#protocols[index] = undefined
    this.#isUp[index] = 0
    this.#life[index] = (this.#life[index] ?? 0) + 1
  }

  /** Lets a node's process stand still: whatever becomes due for it happens when the time is over. */
  stall(index: number, durationMs: number): void {
    this.#stalledUntilMs[index] = Math.max(this.#stalledUntilMs[index] ?? 0, this.#nowMs + durationMs)
  }

  isStalled(index: number): boolean {
    return (this.#stalledUntilMs[index] ?? 0) > this.#nowMs
  }

  /** Nodes reach those of their own island only; what is on the way between two is lost. All begin on island 0. */
  moveTo(index: number, island: number): void {
    this.#island[index] = island
  }

  /** Lets `action` happen at `atMs`: the hand of a scenario, which no crash stops. */
  at(atMs: number, action: () => void): void {
    this.#heap.add(Math.max(atMs, this.#nowMs), -1, TIMER, 0, action)
  }

  /** Lets events happen until `untilMs`. */
  run(untilMs: number): void {
    while (this.#heap.nextAtMs <= untilMs) this.#step()
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  #step(): void {
    const heap = this.#heap
    this.#nowMs = heap.nextAtMs
    const slot = heap.take()
    const payload = heap.payload[slot]
    const index = heap.nodeOf(slot)
    const from = heap.fromOf(slot)
    const life = heap.lifeOf(slot)
    heap.release(slot)
    if (payload === undefined) return
    this.#events++
    if (index < 0) {
      ;(payload as () => void)()
      return
    }
    if (this.#isUp[index] !== 1) return
    const stalledUntilMs = this.#stalledUntilMs[index] ?? 0
    if (stalledUntilMs > this.#nowMs) {
      const atMs = stalledUntilMs + (from === TIMER ? 0 : SOCKETS_AFTER_TIMERS_MS)
      this.#events--
      if (from !== TIMER || life === this.#life[index]) heap.add(atMs, index, from, life, payload)
    } else if (from !== TIMER) {
      this.#deliver(index, from, payload as Message)
    } else if (life === this.#life[index]) {
      this.#hash.add(this.#nowMs, index, TIMER)
      ;(payload as () => void)()
    }
  }

  #deliver(index: number, from: number, message: Message): void {
    const sender = this.#contacts[from]
    if (!sender || this.#island[from] !== this.#island[index]) return
    this.#delivered++
    this.#hash.add(this.#nowMs, index, from, message.type)
    this.#protocols[index]?.receive(sender, message)
  }

  /** For the world of the site at `from`. */
  send(from: number, to: Contact, message: Message): void {
    if (this.#isUp[from] !== 1) return
    const index = this.#indexes.get(to.site)
    this.#sent++
    if (index !== undefined) this.onSend?.(from, index, message)
    // Both are always drawn, so that another loss does not shift all chance after it.
    const isLost = fraction(this.#random) < this.loss
    const late = 1 + this.#jitter * fraction(this.#random)
    if (isLost || index === undefined || this.#island[index] !== this.#island[from]) {
      this.#lost++
      return
    }
    const delayMs = index === from ? 0 : (this.rtt.rttMs(from, index) / 2) * late
    this.#heap.add(this.#nowMs + delayMs, index, from, 0, message)
  }

  /** For the world of the site at `index`. */
  setTimer(index: number, delayMs: number, action: () => void): CancelTimer {
    const heap = this.#heap
    assert(!Number.isNaN(delayMs), 'a timer needs a number')
    const atMs = this.#nowMs + Math.max(delayMs, 0)
    const slot = heap.add(atMs, index, TIMER, this.#life[index] ?? 0, action)
    const ticket = heap.ticketOf(slot)
    return () => heap.cancel(slot, ticket)
  }
}

function existing<T>(node: T | undefined): T {
  assert(node, 'no such node')
  return node
}
