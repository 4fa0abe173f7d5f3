/**
 * The WAN as a program: hosts send it the frames of their `wan0` in VXLAN (RFC 7348), it passes them on by inner
 * destination address when their time has come. It plays in user space what netem does in kernels that have it.
 */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { assert, type CancelTimer, type Clock, type Random } from '@atoll/kit'
import { WanLink, type WanLinkCounters, type WanLinkSettings } from './wan-link.ts'

export interface WanRelayOptions {
  /** The relay's own address, where hosts send to. */
  readonly ip: string
  readonly hosts: readonly WanRelayHost[]
  readonly link: WanLinkSettings
}

export interface WanRelayHost {
  readonly name: string
  readonly ip: string
  /** UDP port at both ends. */
  readonly port: number
  readonly mac: string
}

/** An ordered pair of hosts, by name. */
export interface WanPair {
  readonly from: string
  readonly to: string
}

export type WanPairCounters = WanPair & WanLinkCounters

interface Station {
  readonly host: WanRelayHost
  readonly macNumber: number
  readonly socket: Socket
  /** By the number of the receiving station; undefined at its own. */
  readonly links: readonly (WanLink | undefined)[]
}

/** The kernel grants up to net.core.rmem_max of it. */
const SOCKET_BUFFER_BYTES = 4 << 20
const VXLAN_HEADER_BYTES = 8
const ETHERNET_HEADER_BYTES = 14

export class WanRelay {
  readonly #clock: Clock
  readonly #stations: readonly Station[]
  readonly #stationNumbers: ReadonlyMap<number, number>
  #cancelTimer: CancelTimer | undefined
  #timerDueMs = Number.POSITIVE_INFINITY

  private constructor(stations: readonly Station[], clock: Clock) {
    this.#clock = clock
    this.#stations = stations
    this.#stationNumbers = new Map(stations.map(({ macNumber }, number) => [macNumber, number]))
    for (const station of stations) {
      station.socket.on('message', (frame) => this.#receive(station, frame))
    }
  }

  /** Resolves when every host's port is open. */
  static async open(
    options: WanRelayOptions,
    { clock, random }: { clock: Clock; random: Random },
  ): Promise<WanRelay> {
    const stations = options.hosts.map((host, number): Station => {
      const links = options.hosts.map((_, other) =>
        other === number ? undefined : new WanLink(options.link, random),
      )
      const socket = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER_BYTES })
      // A host that is gone answers with ICMP, which shows here; its frames are lost like on any line.
      socket.on('error', () => {})
      return { host, macNumber: Number.parseInt(host.mac.replaceAll(':', ''), 16), socket, links }
    })
    for (const { host, socket } of stations) {
      socket.bind(host.port, options.ip)
      await once(socket, 'listening')
      socket.connect(host.port, host.ip)
      await once(socket, 'connect')
    }
    return new WanRelay(stations, clock)
  }

  /** Changes one direction. Once it returns, no frame passes that the new settings forbid. */
  change({ from, to }: WanPair, changes: Partial<WanLinkSettings>): void {
    const sender = this.#stations.find(({ host }) => host.name === from)
    const link = sender?.links[this.#stations.findIndex(({ host }) => host.name === to)]
    assert(link !== undefined, `the WAN has a link from ${from} to ${to}`)
    link.change(changes)
  }

  get counters(): readonly WanPairCounters[] {
    return this.#stations.flatMap(({ host, links }) =>
      links.flatMap((link, number) => {
        const to = this.#stations[number]?.host.name
        return link === undefined || to === undefined ? [] : [{ from: host.name, to, ...link.counters }]
      }),
    )
  }

  close(): void {
    this.#cancelTimer?.()
    for (const { socket } of this.#stations) socket.close()
  }

  #receive(sender: Station, frame: Buffer): void {
    if (frame.length < VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES) return
    const nowMs = this.#clock.monotonicMs()
    const isForAll = ((frame[VXLAN_HEADER_BYTES] ?? 0) & 1) === 1
    if (isForAll) for (const link of sender.links) link?.offer(frame, nowMs)
    else {
      const number = this.#stationNumbers.get(frame.readUIntBE(VXLAN_HEADER_BYTES, 6))
      if (number !== undefined) sender.links[number]?.offer(frame, nowMs)
    }
    this.#release(sender, nowMs)
    this.#wakeAt(Math.min(...sender.links.map((link) => link?.nextDueMs ?? Number.POSITIVE_INFINITY)))
  }

  #release(sender: Station, nowMs: number): void {
    sender.links.forEach((link, number) => {
      if (link === undefined || link.nextDueMs > nowMs) return
      const socket = this.#stations[number]?.socket
      link.release(nowMs, (frame) => socket?.send(frame, ignoreError))
    })
  }

  /** One timer for all links, set for the earliest frame: none runs while nothing waits. */
  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerDueMs) return
    this.#cancelTimer?.()
    this.#timerDueMs = dueMs
    this.#cancelTimer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () =>
      this.#onTimer(),
    )
  }

  #onTimer(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const station of this.#stations) {
      this.#release(station, nowMs)
      for (const link of station.links) nextMs = Math.min(nextMs, link?.nextDueMs ?? nextMs)
    }
    this.#wakeAt(nextMs)
  }
}

function ignoreError(): void {}
