/** How much the sites send, as JSON: every hundredth message is weighed. */

import type { DatagramNetwork } from '../datagrams/datagram-network.ts'

const SAMPLE = 100

export class TrafficMeter {
  readonly #network: DatagramNetwork
  readonly #byProtocol = new Map<string, { messages: number; bytes: number; weighed: number }>()
  #startMs: number

  constructor(network: DatagramNetwork) {
    this.#network = network
    this.#startMs = network.nowMs
    network.onSend = (_from, _to, message) => {
      const protocol = message.type.slice(0, message.type.indexOf('.'))
      let count = this.#byProtocol.get(protocol)
      if (!count) {
        count = { messages: 0, bytes: 0, weighed: 0 }
        this.#byProtocol.set(protocol, count)
      }
      if (count.messages++ % SAMPLE !== 0) return
      count.weighed++
      count.bytes += JSON.stringify(message).length
    }
  }

  reset(): void {
    this.#byProtocol.clear()
    this.#startMs = this.#network.nowMs
  }

  /** Bytes a second that one of `sites` sends, by protocol and `all`. */
  bytesPerSecond(sites: number): ReadonlyMap<string, number> {
    const seconds = Math.max(1, this.#network.nowMs - this.#startMs) / 1000
    const rates = new Map<string, number>([['all', 0]])
    for (const [protocol, { messages, bytes, weighed }] of this.#byProtocol) {
      const rate = ((bytes / weighed) * messages) / seconds / sites
      rates.set(protocol, rate)
      rates.set('all', (rates.get('all') ?? 0) + rate)
    }
    return rates
  }
}
