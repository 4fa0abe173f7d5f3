/** The request that an endpoint accepts: what every test here spoils in its own way. */

import type { ContractPeer, Request, Target } from '../peer/contract-peer.ts'
import { PASSWORD } from '../peer/tenancy.ts'
import { fillPath } from './fill-path.ts'
import { bearerOf, headersOf, sampleOf } from './samples.ts'

export interface GoodRequest extends Request {
  readonly token: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** What the body says. */
  readonly sample: unknown
}

export async function goodRequest(peer: ContractPeer, target: Target): Promise<GoodRequest> {
  const { ids } = peer
  const { endpoint } = target
  const bearer = bearerOf(target)
  const token = bearer === 'user' ? await freshUser(peer) : peer.tokens[bearer]
  const sample = sampleOf(target, ids)
  const body =
    endpoint.body === 'stream' ? Buffer.alloc(64) : sample === undefined ? undefined : JSON.stringify(sample)
  return {
    method: endpoint.method,
    url: fillPath(target, ({ kind, word }) => own(peer, bearer, kind) ?? word),
    token,
    headers: {
      ...headersOf(target),
      ...(endpoint.path === '/v3/auth/tokens' && { 'x-subject-token': peer.tokens.alpha }),
    },
    ...(body !== undefined && { body }),
    sample,
  }
}

// An earlier request may have changed what the user logs in with.
async function freshUser({ make, login, ids, tokens }: ContractPeer): Promise<string> {
  const url = `/identity/v3/users/${ids.user}`
  const user = { password: PASSWORD, enabled: true }
  await make({ method: 'PATCH', url, token: tokens.admin, body: { user } })
  return login({ id: ids.user })
}

// A project in the path must be the token's own.
function own({ ids }: ContractPeer, bearer: string, kind: keyof ContractPeer['ids'] | undefined) {
  if (kind === 'adminProject' && bearer === 'alpha') return ids.alphaProject
  return kind && ids[kind]
}
