/** Sends a join request to a cloud or a site that the sender does not know yet, except by the hash in its token. */

import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '@atoll/kit'
import { JoinAnswerInvalid, JoinRefused } from '../trust/errors.ts'
import type { PendingJoin } from '../trust/join.ts'
import type { PendingPeerJoin } from '../trust/join-peer.ts'
import { shownChain, verifyChain } from '../trust/peer-identity.ts'
import { Deadline } from './deadline.ts'
import { type Address, dial } from './dial.ts'
import { mayHaveBeenDone, PeerUnreachable } from './errors.ts'
import { Exchange } from './exchange.ts'
import { JOIN_PATH, PEER_JOIN_PATH } from './peer-gate.ts'
import type { PeerRequest } from './peer-transport.ts'
import { RoundTrip } from './round-trip.ts'

/** Two certificates have about 2 kB; the rest is room for what a cloud tells its new sites. */
const answerBytesMax = 1024 * 1024
const windowBytes = 64 * 1024
/** Peers of one site. */
const ADDRESSES_MAX = 8

export interface RequestJoinOptions {
  readonly address: Address
  readonly pending: PendingJoin | PendingPeerJoin
  readonly clock: Clock
  /** Default: `JOIN_PATH`, or `PEER_JOIN_PATH` for a peer. */
  readonly path?: string
  /** How long the cloud may take beyond the way there and back. Default: 10 s. */
  readonly workMsMax?: number
}

/**
 * Connects, compares the cloud with the token, and only then sends the secret. A site that has not issued the token is only asked
 * where the one that has is, and sees no secret. Returns the answer as parsed JSON, for `completeJoin` to check.
 *
 * @throws PeerUnreachable when there is no answer: the same `pending` may be sent again
 * @throws JoinAnswerInvalid when the address is not of the cloud that issued the token
 * @throws JoinRefused when the cloud refuses, with its own words
 */
export async function requestJoin(options: RequestJoinOptions): Promise<unknown> {
  const first = await ask(options, options.address)
  if ('answer' in first) return first.answer
  let failure: unknown = JoinRefused({ words: 'the site that has issued the token is not known there' })
  for (const address of first.elsewhere) {
    try {
      const second = await ask(options, address)
      if ('answer' in second) return second.answer
    } catch (error) {
      // Only a try that was in vain for sure is followed by another: the token is bound to what has been sent.
      if (mayHaveBeenDone(error)) throw error
      failure = error
    }
  }
  throw failure
}

type Outcome = { readonly answer: unknown } | { readonly elsewhere: readonly Address[] }

async function ask(options: RequestJoinOptions, address: Address): Promise<Outcome> {
  const { pending, clock, workMsMax = 10_000 } = options
  const { path = 'peerName' in pending ? PEER_JOIN_PATH : JOIN_PATH } = options
  const site = `${address.host}:${address.port}`
  let exchange: Exchange | undefined
  using deadline = new Deadline({
    clock,
    timeoutMs: new RoundTrip().timeoutMs(workMsMax),
    onTimeout: () => {
      const isUncertain = exchange?.mayHaveBeenDone ?? false
      return PeerUnreachable({ site, reason: 'timeout', mayHaveBeenDone: isUncertain })
    },
  })
  let isIssuer = true
  const connection = await dial({
    address,
    tls: {},
    verify: (socket) => {
      isIssuer = verifyCloud(socket, { pending, nowMs: clock.nowMs() })
    },
    streamWindowBytes: windowBytes,
    sessionWindowBytes: windowBytes,
    signal: deadline.signal,
  }).catch((cause: unknown) => {
    if (JoinAnswerInvalid.is(cause) || PeerUnreachable.is(cause)) throw cause
    throw PeerUnreachable({ site, reason: 'no_connection', mayHaveBeenDone: false }, { cause })
  })
  let failure: Error | undefined
  const { session } = connection
  session.on('error', (error) => {
    failure = error
  })
  const send = async (request: Pick<PeerRequest, 'method' | 'path' | 'headers' | 'body'>) => {
    exchange = new Exchange({ session, request: { site, ...request }, deadline })
    const { status, body } = await exchange.answer
    const text = await readBounded(body)
    if (status >= 300) throw JoinRefused({ words: wordsOf(text) ?? `status ${status}` })
    return parseJson(text)
  }
  try {
    if (!isIssuer && 'siteName' in pending) {
      const question = `${JOIN_PATH}?issuer=${pending.token.issuerCode}`
      return { elsewhere: addressesIn(await send({ method: 'GET', path: question })) }
    }
    const headers = { 'content-type': 'application/json' }
    const body = Buffer.from(JSON.stringify(pending.request))
    return { answer: await send({ method: 'POST', path, headers, body }) }
  } catch (error) {
    if (error instanceof Error && failure !== undefined) error.cause ??= failure
    throw error
  } finally {
    connection.destroy()
  }
}

/** True when it is the site that has issued the token, or nobody can tell since the cloud certifies no codes. */
function verifyCloud(
  socket: TLSSocket,
  { pending, nowMs }: { pending: PendingJoin | PendingPeerJoin; nowMs: number },
): boolean {
  const { cloudAuthority, ...chain } = shownChain(socket)
  const hashOf = (certificate: X509Certificate) =>
    Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex')
  if ('peerName' in pending) {
    if (!hashOf(chain.site).equals(pending.token.hash))
      throw JoinAnswerInvalid({ reason: 'it would come from another site than the token' })
  } else if (!hashOf(cloudAuthority).equals(pending.token.cloudAuthorityHash)) {
    throw JoinAnswerInvalid({ reason: 'it would come from another cloud than the token' })
  }
  const { code } = verifyChain(chain, { cloudAuthority, nowMs })
  return 'peerName' in pending || code === undefined || code === pending.token.issuerCode
}

/** Where a peer says that the site which has issued the token is. */
function addressesIn(answer: unknown): readonly Address[] {
  const { addresses } = Object(answer) as { addresses?: unknown }
  if (!Array.isArray(addresses)) throw JoinAnswerInvalid({ reason: 'it does not say where to join' })
  return addresses.slice(0, ADDRESSES_MAX).flatMap((address: unknown) => {
    const { host, port } = Object(address) as Partial<Record<string, unknown>>
    return typeof host === 'string' && typeof port === 'number' ? [{ host, port }] : []
  })
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.length
    if (bytes > answerBytesMax) throw JoinAnswerInvalid({ reason: 'it is too long' })
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw JoinAnswerInvalid({ reason: 'it is not JSON' }, { cause })
  }
}

/** The message in an error body of OpenStack's shape `{<fault>: {message}}`. */
function wordsOf(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined
  const [fault] = Object.values(Object(parseJson(text)) as object)
  const { message } = Object(fault) as { message?: unknown }
  return typeof message === 'string' ? message : undefined
}
