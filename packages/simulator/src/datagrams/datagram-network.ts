/**
 * Thousands of sites that exchange datagrams in virtual time: delays by a matrix of round trips, loss, islands, crashes,
 * and sites whose process stands still for a while. One seed is one run.
 *
 *     send ──▶ lost? ──▶ heap, due after half a round trip ──▶ same island now? ──▶ alive? ──▶ stalled? wait ──▶ receive
 *
 * A process that stood still runs its timers before it reads its sockets, as the event loop of Node does.
 */

import { assert, type Clock, fraction, type Random, seededRandom } from '@atoll/kit'
import type { Contact, Environment, Message, Protocol } from '@atoll/overlay'
import type { RttMatrix } from '../rtt/rtt-matrix.ts'
import { EventHeap, TIMER } from './event-heap.ts'
import { RunHash } from './run-hash.ts'

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

/** Noon of a day in 2030, as in the simulation of whole clouds. */
const EPOCH_MS = Date.UTC(2030, 0, 15, 12)

interface Node {
  readonly contact: Contact
  readonly environment: Environment
  protocol: Protocol | undefined
  isUp: boolean
  /** Rises with each crash: timers of an earlier life do nothing. */
  life: number
  stalledUntilMs: number
  island: number
}

export class DatagramNetwork {
  loss: number
  rtt: RttMatrix
  /** Sees each datagram when it is sent, for what a scenario counts. */
  onSend: ((from: number, to: number, message: Message) => void) | undefined
  readonly seed: number
  readonly #jitter: number
  readonly #random: Random
  readonly #heap = new EventHeap()
  readonly #hash = new RunHash()
  readonly #nodes: Node[] = []
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
  }

  get nowMs(): number {
    return this.#nowMs
  }

  get size(): number {
    return this.#nodes.length
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
    const index = this.#nodes.length
    assert(!this.#indexes.has(site), `two sites are named ${site}`)
    assert(index < this.rtt.size, 'the matrix has no row for another site')
    this.#indexes.set(site, index)
    this.#nodes.push({
      contact: Object.freeze({ site, addresses: Object.freeze([]) }),
      environment: {
        clock: this.#clockOf(index),
        random: this.random(`site ${site}`),
        send: (to, message) => this.#send(index, to, message),
      },
      protocol: undefined,
      isUp: false,
      life: 0,
      stalledUntilMs: 0,
      island: 0,
    })
    return index
  }

  contactOf(index: number): Contact {
    return this.#node(index).contact
  }

  environmentOf(index: number): Environment {
    return this.#node(index).environment
  }

  indexOf(site: string): number | undefined {
    return this.#indexes.get(site)
  }

  isUp(index: number): boolean {
    return this.#node(index).isUp
  }

  /** Lets a node run `protocol`. */
  start(index: number, protocol: Protocol): void {
    const node = this.#node(index)
    assert(!node.isUp, 'the node runs already')
    node.protocol = protocol
    node.isUp = true
    node.stalledUntilMs = 0
    protocol.start()
  }

  /** Ends a node at once: nothing of it is sent or heard any more, and its timers are gone. */
  crash(index: number): void {
    const node = this.#node(index)
    node.isUp = false
    node.protocol = undefined
    node.life++
  }

  /** Lets a node's process stand still: whatever becomes due for it happens when the time is over. */
  stall(index: number, durationMs: number): void {
    const node = this.#node(index)
    node.stalledUntilMs = Math.max(node.stalledUntilMs, this.#nowMs + durationMs)
  }

  isStalled(index: number): boolean {
    return this.#node(index).stalledUntilMs > this.#nowMs
  }

  /** Nodes reach those of their own island only; what is on the way between two is lost. All begin on island 0. */
  moveTo(index: number, island: number): void {
    this.#node(index).island = island
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
    const index = heap.node[slot] ?? 0
    const from = heap.from[slot] ?? 0
    const life = heap.life[slot] ?? 0
    heap.release(slot)
    if (payload === undefined) return
    this.#events++
    if (index < 0) {
      ;(payload as () => void)()
      return
    }
    const node = this.#nodes[index]
    if (!node?.isUp) return
    if (node.stalledUntilMs > this.#nowMs) {
      const atMs = node.stalledUntilMs + (from === TIMER ? 0 : SOCKETS_AFTER_TIMERS_MS)
      this.#events--
      if (from !== TIMER || life === node.life) heap.add(atMs, index, from, life, payload)
    } else if (from !== TIMER) {
      this.#deliver(node, index, from, payload as Message)
    } else if (life === node.life) {
      this.#hash.add(this.#nowMs, index, TIMER)
      ;(payload as () => void)()
    }
  }

  #deliver(node: Node, index: number, from: number, message: Message): void {
    const sender = this.#nodes[from]
    if (!sender || sender.island !== node.island) return
    this.#delivered++
    this.#hash.add(this.#nowMs, index, from, message.type)
    node.protocol?.receive(sender.contact, message)
  }

  #send(from: number, to: Contact, message: Message): void {
    const index = this.#indexes.get(to.site)
    const sender = this.#nodes[from]
    if (!sender?.isUp) return
    this.#sent++
    if (index !== undefined) this.onSend?.(from, index, message)
    // Both are always drawn, so that another loss does not shift all chance after it.
    const isLost = fraction(this.#random) < this.loss
    const late = 1 + this.#jitter * fraction(this.#random)
    if (isLost || index === undefined || this.#nodes[index]?.island !== sender.island) {
      this.#lost++
      return
    }
    const delayMs = index === from ? 0 : (this.rtt.rttMs(from, index) / 2) * late
    this.#heap.add(this.#nowMs + delayMs, index, from, 0, message)
  }

  #clockOf(index: number): Clock {
    const heap = this.#heap
    return {
      nowMs: () => EPOCH_MS + this.#nowMs,
      monotonicMs: () => this.#nowMs,
      after: (delayMs, action) => {
        const node = this.#node(index)
        assert(!Number.isNaN(delayMs), 'a timer needs a number')
        const atMs = this.#nowMs + Math.max(delayMs, 0)
        const slot = heap.add(atMs, index, TIMER, node.life, action)
        const ticket = heap.ticketOf(slot)
        return () => heap.cancel(slot, ticket)
      },
    }
  }

  #node(index: number): Node {
    const node = this.#nodes[index]
    assert(node, 'no such node')
    return node
  }
}
