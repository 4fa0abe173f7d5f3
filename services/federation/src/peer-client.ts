/** Typed calls of the peer endpoints of another site. Bodies are JSON, bounded, and checked before they are believed. */

import { BadRequest, validateBody } from '@atoll/http'
import type { PeerTransport } from '@atoll/overlay'
import { type Static, type TSchema, Type } from 'typebox'

/** A page of the feed is the largest thing that a peer sends as JSON. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024

export const Address = Type.Object({
  host: Type.String({ maxLength: 255 }),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
})

export const FeedAnswer = Type.Object({
  home: Type.String(),
  upTo: Type.Integer({ minimum: 0 }),
  isComplete: Type.Boolean(),
  /** How long the other site held the question before it looked the last time. */
  waitedMs: Type.Number({ minimum: 0, maximum: 60_000 }),
  entries: Type.Array(
    Type.Object({
      table: Type.String(),
      row: Type.Object(
        { id: Type.String(), home: Type.String(), generation: Type.Integer(), seq: Type.Integer() },
        { additionalProperties: true },
      ),
    }),
  ),
  /** What the follower must not keep any longer; a site of an older version knows of no such thing. */
  withdrawals: Type.Optional(
    Type.Array(
      Type.Object({
        table: Type.String(),
        id: Type.String(),
        generation: Type.Integer(),
        seq: Type.Integer(),
        moves: Type.Array(Type.String()),
      }),
    ),
  ),
  sites: Type.Array(
    Type.Object({
      name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
      addresses: Type.Array(Address),
    }),
  ),
})

export const RowAnswer = Type.Object({
  row: Type.Object({ id: Type.String() }, { additionalProperties: true }),
})

/** A refusal by the other site, with what it said. */
export class PeerRefused extends Error {
  override readonly name = 'PeerRefused'
  readonly status: number
  readonly code: string

  constructor(site: string, status: number, code: string) {
    super(`site ${site} answered ${status} ${code}`)
    this.status = status
    this.code = code
  }
}

export interface PeerCall<Schema extends TSchema> {
  readonly site: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: unknown
  readonly answer: Schema
  /** How long the other site may work on it, beside the round trip. */
  readonly workMs: number
  readonly signal?: AbortSignal
}

/** Calls a peer endpoint. @throws PeerUnreachable, PeerRefused, BadRequest when the answer has another form */
export async function callPeer<Schema extends TSchema>(
  transport: PeerTransport,
  call: PeerCall<Schema>,
): Promise<Static<Schema>> {
  const { site, method, path, body, workMs, signal } = call
  const response = await transport.request({
    site,
    method,
    path,
    headers: { 'content-type': 'application/json' },
    timeoutMs: transport.timeoutFor(site, workMs),
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    ...(signal ? { signal } : {}),
  })
  const text = await readText(response.body)
  const code = response.headers['atoll-error']
  if (response.status >= 300)
    throw new PeerRefused(site, response.status, typeof code === 'string' ? code : '')
  return validateBody(call.answer, JSON.parse(text))
}

async function readText(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > ANSWER_BYTES_MAX) throw BadRequest({ message: 'the answer of a peer is too large' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
