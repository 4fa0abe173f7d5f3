/**
 * Carries the datagrams of the protocols over the transport between sites: a few requests at a time to each site, with all
 * that waits for it, and answers that were made at once on the way back.
 *
 *     send ──▶ queue of the site (bounded, the oldest is dropped) ──▶ POST /peer/v1/overlay ──▶ accept ──▶ receive
 *                                        receive ◀── messages of the answer ◀── what it sent back meanwhile
 *
 * What is sent at one moment travels together. A datagram waits for no answer to another one as long as few are under way:
 * round trips are measured with them. Nothing is sent again: the protocols expect loss, and a late datagram is worth less
 * than the next one.
 */

import type { PeerTransport } from '../transport/peer-transport.ts'
import { ADDRESSES_MAX, type Contact } from './contact.ts'
import { isMessage, MESSAGE_BYTES_MAX, type Message } from './message.ts'

export const OVERLAY_PATH = '/peer/v1/overlay'

export interface PeerCarrierSettings {
  /** Datagrams that wait for one site. More: a site that is slow for a moment misses less, and hears older news. */
  readonly queueMax: number
  /** Datagrams in one request, bounded by bytes as well. */
  readonly batchMax: number
  /**
   * Requests to one site at a time. More: nothing waits where the round trip is long; fewer: less is held up where a site
   * does not answer.
   */
  readonly requestsMax: number
  /** How long the other site may take to answer a batch, beside the round trip. */
  readonly workMs: number
}

export const defaultPeerCarrierSettings: PeerCarrierSettings = Object.freeze({
  queueMax: 256,
  batchMax: 32,
  requestsMax: 4,
  workMs: 2000,
})

export interface PeerCarrierOptions {
  readonly transport: PeerTransport
  /** Where this site listens, for whoever does not know it yet. */
  readonly self: () => Contact
  readonly receive: (from: Contact, message: Message) => void
  readonly settings?: Partial<PeerCarrierSettings>
}

/** Datagrams of one request or answer have no more bytes in all; each one alone fits. */
const BATCH_BYTES_MAX = 512 * 1024

/** The largest body of a request or an answer: with the addresses of the sender around the datagrams. */
export const OVERLAY_BODY_MAX = BATCH_BYTES_MAX + 4096

interface Lane {
  readonly queue: string[]
  underWay: number
  /** The rest of this moment may send more to the same site. */
  isGathering: boolean
}

export class PeerCarrier {
  readonly #options: PeerCarrierOptions
  readonly #settings: PeerCarrierSettings
  readonly #lanes = new Map<string, Lane>()
  /** While a batch of this site is taken in, what is sent to it goes into the answer. */
  #answering: { readonly site: string; readonly messages: string[]; bytes: number } | undefined
  #dropped = 0
  #isClosed = false

  constructor(options: PeerCarrierOptions) {
    this.#options = options
    this.#settings = { ...defaultPeerCarrierSettings, ...options.settings }
  }

  /** How many datagrams found no place, or were larger than any may be. */
  get dropped(): number {
    return this.#dropped
  }

  /** Never waits and never throws; what cannot be sent is dropped. */
  send(to: Contact, message: Message): void {
    if (this.#isClosed) return
    const text = JSON.stringify(message)
    const bytes = Buffer.byteLength(text)
    if (bytes > MESSAGE_BYTES_MAX) {
      this.#dropped++
      return
    }
    const answering = this.#answering
    if (answering?.site === to.site && this.#hasRoom(answering, bytes)) {
      answering.messages.push(text)
      answering.bytes += bytes + 1
      return
    }
    const lane = this.#lanes.get(to.site) ?? { queue: [], underWay: 0, isGathering: false }
    this.#lanes.set(to.site, lane)
    lane.queue.push(text)
    if (lane.queue.length > this.#settings.queueMax) {
      lane.queue.shift()
      this.#dropped++
    }
    if (lane.isGathering || lane.underWay >= this.#settings.requestsMax) return
    lane.isGathering = true
    queueMicrotask(() => {
      lane.isGathering = false
      void this.#drain(to.site, lane)
    })
  }

  /** Takes in a batch that `site`, as the transport has proved, sent to `OVERLAY_PATH`; returns the body of the answer. */
  accept(site: string, body: Buffer): Buffer {
    const messages: string[] = []
    this.#answering = { site, messages, bytes: 0 }
    try {
      this.#take(site, body)
    } finally {
      this.#answering = undefined
    }
    return this.#batch(messages)
  }

  close(): void {
    this.#isClosed = true
    this.#lanes.clear()
  }

  async #drain(site: string, lane: Lane): Promise<void> {
    lane.underWay++
    while (lane.queue.length > 0 && !this.#isClosed) {
      const body = this.#batch(this.#next(lane.queue))
      const answer = await this.#exchange(site, body)
      if (answer && !this.#isClosed) this.#take(site, answer)
    }
    lane.underWay--
    // A peer of a large cloud meets thousands of sites, and keeps a lane for those only for which something waits.
    if (lane.queue.length === 0 && lane.underWay === 0 && !lane.isGathering) this.#lanes.delete(site)
  }

  /** Takes as many datagrams from a queue as one request may carry. */
  #next(queue: string[]): readonly string[] {
    const batch = { messages: [] as string[], bytes: 0 }
    for (const text of queue) {
      const bytes = Buffer.byteLength(text)
      if (!this.#hasRoom(batch, bytes)) break
      batch.messages.push(text)
      batch.bytes += bytes + 1
    }
    queue.splice(0, batch.messages.length)
    return batch.messages
  }

  #hasRoom({ messages, bytes }: { messages: readonly string[]; bytes: number }, more: number): boolean {
    return messages.length < this.#settings.batchMax && bytes + more < BATCH_BYTES_MAX
  }

  /** The answer, or undefined when there is none: the batch is lost, as datagrams may be. */
  async #exchange(site: string, body: Buffer): Promise<Buffer | undefined> {
    const { transport } = this.#options
    try {
      const timeoutMs = transport.timeoutFor(site, this.#settings.workMs)
      const headers = { 'content-type': 'application/octet-stream' }
      const response = await transport.request({
        site,
        method: 'POST',
        path: OVERLAY_PATH,
        headers,
        body,
        timeoutMs,
      })
      const pieces: Buffer[] = []
      let bytes = 0
      for await (const piece of response.body) {
        bytes += (piece as Buffer).length
        if (bytes > OVERLAY_BODY_MAX) return undefined
        pieces.push(piece as Buffer)
      }
      return response.status === 200 ? Buffer.concat(pieces) : undefined
    } catch {
      return undefined
    }
  }

  #batch(messages: readonly string[]): Buffer {
    const { addresses } = this.#options.self()
    return Buffer.from(
      `{"version":1,"addresses":${JSON.stringify(addresses)},"messages":[${messages.join(',')}]}`,
    )
  }

  #take(site: string, body: Buffer): void {
    let batch: unknown
    try {
      batch = JSON.parse(body.toString('utf8'))
    } catch {
      return
    }
    const { addresses, messages } = Object(batch) as { addresses?: unknown; messages?: unknown }
    if (!Array.isArray(messages)) return
    const known = Array.isArray(addresses) ? addresses.filter(isAddress).slice(0, ADDRESSES_MAX) : []
    const from: Contact = Object.freeze({ site, addresses: known })
    for (const message of messages.slice(0, this.#settings.batchMax))
      if (isMessage(message)) this.#options.receive(from, message)
  }
}

function isAddress(value: unknown): value is Contact['addresses'][number] {
  const { host, port } = Object(value) as { host?: unknown; port?: unknown }
  return typeof host === 'string' && host.length <= 255 && Number.isInteger(port)
}
