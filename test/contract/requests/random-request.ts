/** A request made of anything: the parts of good ones, spoilt here and there, as a seed says. */

import { pick, type Random } from '@atoll/kit'
import type { ContractPeer, Request, Target } from '../peer/contract-peer.ts'
import type { Kind } from '../peer/tenancy.ts'
import { fillPath } from './fill-path.ts'
import { malformed, mutationsOf, twisted } from './mutations.ts'
import { headersOf, sampleOf } from './samples.ts'

const SEGMENTS = [
  'x',
  '%2F',
  '0'.repeat(32),
  '00000000-0000-4000-8000-000000000000',
  '%F0%9F%8F%9D',
  'a'.repeat(1100),
  'detail',
]
const QUERIES = [
  'limit=-1',
  'marker=x',
  'sort_key=__proto__',
  'name=%ff',
  'fields=id',
  'limit=0',
  'a=b&a=c',
  'x'.repeat(3000),
]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const VERSIONS = ['2.1', '2.10', '2.37', '2.60', 'latest', '2.999', 'x', '']
const TYPES = [
  'application/json',
  'text/plain',
  'application/octet-stream',
  'application/openstack-images-v2.0-json-patch',
  '',
]

/** Makes requests one after the other; each is a pure function of the random's state. */
export class RandomRequests {
  readonly #peer: ContractPeer
  readonly #random: Random
  /** All mutations of an endpoint's body, made when it is first drawn. */
  readonly #bodies = new Map<Target, readonly (string | Buffer)[]>()

  constructor(peer: ContractPeer, random: Random) {
    this.#peer = peer
    this.#random = random
  }

  next(): { readonly target: Target; readonly request: Request } {
    const target = pick(this.#random, this.#peer.targets)
    const path = fillPath(target, ({ kind, word }) => this.#segment(kind, word))
    const query = this.#oneIn(5) ? `?${pick(this.#random, QUERIES)}` : ''
    const method = this.#oneIn(20) ? pick(this.#random, METHODS) : target.endpoint.method
    const body = method === 'GET' || method === 'HEAD' ? undefined : this.#body(target)
    return {
      target,
      request: {
        method,
        url: path + query,
        token: this.#token(),
        headers: this.#headers(target),
        ...(body !== undefined && { body }),
      },
    }
  }

  #segment(kind: Kind | undefined, word: string): string {
    const { ids } = this.#peer
    if (this.#oneIn(8)) return pick(this.#random, SEGMENTS)
    if (kind === 'adminProject')
      return pick(this.#random, [ids.adminProject, ids.alphaProject, ids.betaProject])
    if (this.#oneIn(20)) return pick(this.#random, Object.values(ids))
    return kind ? ids[kind] : word
  }

  #token(): string | undefined {
    const { admin, alpha, beta } = this.#peer.tokens
    if (this.#oneIn(8)) return this.#oneIn(2) ? 'nonsense' : undefined
    return pick(this.#random, [admin, admin, alpha, alpha, beta])
  }

  #headers(target: Target): Readonly<Record<string, string>> {
    const headers = { ...headersOf(target), 'x-subject-token': 'nonsense' }
    return {
      ...headers,
      ...(this.#oneIn(6) && { 'openstack-api-version': `compute ${pick(this.#random, VERSIONS)}` }),
      ...(this.#oneIn(15) && { 'content-type': pick(this.#random, TYPES) }),
    }
  }

  #body(target: Target): string | Buffer | undefined {
    const sample = sampleOf(target, this.#peer.ids)
    if (sample === undefined) return this.#oneIn(3) ? pick(this.#random, malformed).text : undefined
    if (this.#oneIn(4)) return JSON.stringify(sample)
    const known = this.#bodies.get(target)
    const all = known ?? [...malformed, ...mutationsOf(sample), ...twisted(sample)].map(({ text }) => text)
    if (!known) this.#bodies.set(target, all)
    return pick(this.#random, all)
  }

  #oneIn(count: number): boolean {
    return this.#random.below(count) === 0
  }
}
