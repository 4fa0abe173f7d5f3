/** Asks a running peer through the socket in its data directory. */

import { request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import type { Distances, Invitation, NearSite, PeerStatus } from '@atoll/peer'
import { PeerNotRunning, PeerNotYours, PeerRefused } from './errors.ts'

const TIMEOUT_MS = 10_000

/** @throws PeerNotRunning, PeerNotYours, PeerRefused */
export async function askStatus(dataDirectory: string): Promise<PeerStatus> {
  return (await ask(dataDirectory, 'GET', '/status')) as PeerStatus
}

/** @throws as `askStatus` */
export async function askDistances(dataDirectory: string): Promise<Distances> {
  return (await ask(dataDirectory, 'GET', '/distances')) as Distances
}

/** At most `count` sites, the nearest to `site` first. @throws as `askStatus` */
export async function askNearest(
  dataDirectory: string,
  { site, count }: { site: string; count: number },
): Promise<readonly NearSite[]> {
  const query = new URLSearchParams({ site, count: String(count) })
  const answer = await ask(dataDirectory, 'GET', `/nearest?${query.toString()}`)
  return (answer as { nearest: readonly NearSite[] }).nearest
}

export interface JoinTokenRequest {
  readonly lifeMs: number
  /** The only name that the new site may take. */
  readonly siteName?: string
}

/** @throws PeerNotRunning, PeerNotYours, PeerRefused */
export async function askJoinToken(dataDirectory: string, body: JoinTokenRequest): Promise<string> {
  return (await askInvitation(dataDirectory, body)).token
}

/** @throws PeerNotRunning, PeerNotYours, PeerRefused */
export async function askInvitation(dataDirectory: string, body: JoinTokenRequest): Promise<Invitation> {
  return (await ask(dataDirectory, 'POST', '/join-tokens', body)) as Invitation
}

/** Answers with the reachable sites that have not heard of it in time. @throws as `askStatus` */
export async function askSleep(dataDirectory: string): Promise<readonly string[]> {
  return ((await ask(dataDirectory, 'POST', '/sleep')) as { unaware: readonly string[] }).unaware
}

/** @throws as `askStatus` */
export async function askWake(dataDirectory: string): Promise<void> {
  await ask(dataDirectory, 'POST', '/wake')
}

/** @throws as `askStatus` */
export async function askRevocation(
  dataDirectory: string,
  body: { readonly site: string; readonly reason: string },
): Promise<void> {
  await ask(dataDirectory, 'POST', '/revocations', body)
}

export interface RetirementRequest {
  readonly site: string
  readonly reason: string
  readonly heir?: string
  readonly isForced?: boolean
}

export interface RetirementAnswer {
  readonly heir: string
  readonly copies: readonly { readonly site: string; readonly seq: number }[]
  readonly silent: readonly string[]
}

/** @throws as `askStatus` */
export async function askRetirement(
  dataDirectory: string,
  body: RetirementRequest,
): Promise<RetirementAnswer> {
  return (await ask(dataDirectory, 'POST', '/retirements', body)) as RetirementAnswer
}

export interface PeerTokenRequest {
  readonly lifeMs: number
  /** The only name that the new peer may take. */
  readonly peerName?: string
}

/** @throws PeerNotRunning, PeerNotYours, PeerRefused */
export async function askPeerToken(dataDirectory: string, body: PeerTokenRequest): Promise<string> {
  return ((await ask(dataDirectory, 'POST', '/peer-tokens', body)) as { token: string }).token
}

async function ask(dataDirectory: string, method: string, path: string, body?: object): Promise<unknown> {
  const { adminSocketPath } = await import('@atoll/peer')
  const socketPath = adminSocketPath(dataDirectory)
  const { status, text } = await send({ socketPath, method, path }, body).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED')
      throw PeerNotRunning({ dataDirectory }, { cause: error })
    if (code === 'EACCES') throw PeerNotYours({ dataDirectory }, { cause: error })
    throw PeerRefused({ reason: message }, { cause: error })
  })
  const answer = JSON.parse(text) as { message?: string }
  if (status >= 400) throw PeerRefused({ reason: answer.message ?? text })
  return answer
}

function send(
  target: { socketPath: string; method: string; path: string },
  body: object | undefined,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const outgoing = request({ ...target, headers, timeout: TIMEOUT_MS }, (incoming) => {
      readText(incoming).then((text) => resolve({ status: incoming.statusCode ?? 0, text }), reject)
    })
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    outgoing.once('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
