/**
 * What peers of one site ask of each other. The bytes of images and the consoles of guests are where they are; whoever
 * is asked for them by a client or another site gets them from there.
 */

import { type ChunkSource, ManifestNotFound } from '@atoll/images'
import { defineError, type Logger } from '@atoll/kit'
import { OVERLAY_BODY_MAX, type PeerTransport } from '@atoll/overlay'
import { remoteChunks } from './remote-chunks.ts'
import type { SitePeers } from './site-peers.ts'

/** Below it is what only peers of the same site may ask. */
export const SIBLING_PREFIX = '/peer/v1/site'

export const CopyFailed = defineError({
  code: 'peer.copy.failed',
  status: 503,
  fault: 'serviceUnavailable',
  message: () =>
    'The image could not be copied to a second peer of the site, without which it would be lost with one machine; try again.',
})

export const SiblingRefused = defineError({
  code: 'peer.sibling.refused',
  status: 503,
  fault: 'serviceUnavailable',
  message: ({ peer, status }: { peer: string; status: number }) =>
    `The peer ${peer} of this site answered ${status}.`,
})

export interface SiblingsOptions {
  readonly siteName: string
  readonly selfName: string
  readonly peers: Pick<SitePeers, 'others'>
  readonly transport: PeerTransport
  readonly log: Logger
}

/** A console is 100 KiB at most; datagrams are what may be large. */
const ANSWER_BYTES_MAX = OVERLAY_BODY_MAX
const CONSOLE_WORK_MS = 5_000
/** Later a datagram is worth nothing. */
const OVERLAY_WORK_MS = 1_000
/** Of an image of many gigabytes, from disk to disk. */
const COPY_WORK_MS = 600_000

export class Siblings {
  readonly #options: SiblingsOptions

  constructor(options: SiblingsOptions) {
    this.#options = options
  }

  /** Bytes of images from whichever live peer has them. Whoever reads verifies every digest. */
  get chunks(): ChunkSource {
    return {
      manifest: (digest, signal) => this.#firstOf(digest, (source) => source.manifest(digest, signal)),
      chunk: (digest, signal) => this.#firstOf(digest, (source) => source.chunk(digest, signal)),
    }
  }

  chunksOf(peer: string): ChunkSource {
    const { transport, siteName } = this.#options
    return remoteChunks(transport, siteName, { peer, prefix: SIBLING_PREFIX })
  }

  /** Gives datagrams of another site to the steward, and answers with its answer; undefined when it cannot. */
  async handOver(from: string, body: Buffer): Promise<Buffer | undefined> {
    // By name, as the peer that takes itself for none: the first of the others is the steward.
    const [steward] = this.#options.peers.others()
    if (!steward) return undefined
    const path = `${SIBLING_PREFIX}/overlay?from=${from}`
    const headers = { 'content-type': 'application/octet-stream' }
    try {
      return await this.#ask(steward.name, { method: 'POST', path, body, headers, workMs: OVERLAY_WORK_MS })
    } catch (error) {
      this.#options.log.debug({ peer: steward.name, err: error }, 'datagrams could not be handed over')
      return undefined
    }
  }

  /** What a guest wrote to its console on a host that another peer serves. @throws PeerUnreachable, SiblingRefused */
  async consoleOutput(peer: string, serverId: string, lines: number | undefined): Promise<string> {
    const query = lines === undefined ? '' : `?lines=${lines}`
    const path = `${SIBLING_PREFIX}/consoles/${serverId}${query}`
    return (await this.#ask(peer, { method: 'GET', path, workMs: CONSOLE_WORK_MS })).toString()
  }

  /**
   * Resolves when another live peer has the image durably, or there is none: the first of `ranked` that can.
   * @throws CopyFailed when there are others and none could
   */
  async copyToOne(digest: string, ranked: readonly string[]): Promise<void> {
    const { log, selfName } = this.#options
    for (const peer of ranked) {
      try {
        const body = Buffer.from(JSON.stringify({ digest, from: selfName }))
        await this.#ask(peer, {
          method: 'POST',
          path: `${SIBLING_PREFIX}/copies`,
          body,
          workMs: COPY_WORK_MS,
        })
        return
      } catch (error) {
        log.warn({ peer, digest, err: error }, 'an image could not be copied to another peer')
      }
    }
    if (ranked.length > 0) throw CopyFailed({}, { retryAfterMs: 10_000 })
  }

  async #firstOf<Result>(digest: string, read: (source: ChunkSource) => Promise<Result>): Promise<Result> {
    let failure: unknown = ManifestNotFound({ digest })
    for (const { name } of this.#options.peers.others()) {
      try {
        return await read(this.chunksOf(name))
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  async #ask(
    peer: string,
    request: {
      method: 'GET' | 'POST'
      path: string
      body?: Buffer
      headers?: Readonly<Record<string, string>>
      workMs: number
    },
  ): Promise<Buffer> {
    const { transport, siteName } = this.#options
    const { workMs, ...asked } = request
    const response = await transport.request({
      headers: { 'content-type': 'application/json' },
      ...asked,
      site: siteName,
      peer,
      timeoutMs: transport.timeoutFor(siteName, workMs),
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length
      if (size > ANSWER_BYTES_MAX) throw SiblingRefused({ peer, status: 413 })
      chunks.push(chunk as Buffer)
    }
    if (response.status !== 200) throw SiblingRefused({ peer, status: response.status })
    return Buffer.concat(chunks)
  }
}
