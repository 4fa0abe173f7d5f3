/**
 * Whose word counts for what: sites may be the home of a domain's records when the domain itself names them, of ids
 * that carry their code, and of what a former home has given them by its signature, or left to them when it was retired.
 */

import type { KeyObject } from 'node:crypto'
import { siteCodeOf } from '@atoll/kit'
import {
  createJws,
  type Ed25519PublicJwk,
  publicKeyFromJwk,
  type SiteSigner,
  verifyJws,
} from '@atoll/overlay'
import {
  type AuthorityCheck,
  cloudScope,
  type Move,
  type Reader,
  type RecordTable,
  type SignMove,
  type Trust,
} from '@atoll/state'
import type { CertifiedCodes, SiteClaim } from './certified-codes.ts'
import { siteRevocations, sites } from './records.ts'
import { heirsInOrder, type Retirement, retirementsIn } from './succession.ts'

const scope = cloudScope('trust between sites')

const MOVE_TYPE = 'atoll-move'
/** Signed by an heir, where the site that would have to sign is lost for good. */
const FORCED_MOVE_TYPE = 'atoll-forced-move'

/** A parsed key is kept, since parsing costs more than verifying; so many are enough for any cloud that follows all. */
const KEYS_MAX = 10_000

export interface TrustOptions {
  /** The records of domains, with their column `sites`. */
  readonly domains: RecordTable
  /** The domain of the cloud itself, and the site that may write its record before any replica of it has come. */
  readonly root: { readonly domainId: string; readonly founder: string }
  /** Judges the codes that sites claim; without it, they are believed. */
  readonly codes?: CertifiedCodes
}

export function createTrust(options: TrustOptions): Trust {
  const hasAuthority = createAuthorityCheck(options)
  const keys = new Map<string, KeyObject | undefined>()
  const keyOf = (jwk: Ed25519PublicJwk | null): KeyObject | undefined => {
    if (jwk === null) return undefined
    if (!keys.has(jwk.x)) {
      if (keys.size >= KEYS_MAX) keys.clear()
      keys.set(jwk.x, publicKeyFromJwk(jwk))
    }
    return keys.get(jwk.x)
  }
  const identityOf = async (site: string, reader: Reader): Promise<Identity | undefined> => {
    const record = await reader.find(scope, sites, site)
    if (record) {
      const { code, signing_key: key, signing_key_id: keyId } = record
      return { code, key, keyId }
    }
    const [retirement] = await retirementsOf(site, reader, options)
    return retirement && { code: retirement.code, key: retirement.signingKey, keyId: retirement.signingKeyId }
  }
  return {
    hasAuthority,
    vouchesFor: (table, row) =>
      table !== sites.name || (options.codes?.isRightful(row as unknown as SiteClaim) ?? true),
    mayName: async (site, { id, ids }, reader) => {
      const code = siteCodeOf(id)
      if (code !== undefined && (await identityOf(site, reader))?.code === code) return true
      return ids === 'given' && hasAuthority(options.root.domainId, site, reader)
    },
    readMove: async (text, reader) => {
      // Not believed yet: it only says whose signature it has to be.
      const claimed = parseMove(Buffer.from(text.split('.')[1] ?? '', 'base64url'))
      const signer = claimed && (await identityOf(claimed.by ?? claimed.from, reader))
      if (!signer) return undefined
      const verdict = verifyJws({
        jws: text,
        type: typeOf(claimed),
        keyFor: (keyId) => (keyId === signer.keyId ? keyOf(signer.key) : undefined),
      })
      return verdict.isValid ? claimed : undefined
    },
    heirsOf: async (site, reader) => heirsInOrder(await retirementsOf(site, reader, options)),
  }
}

/** What a site is known by: in its own word, or, when it was lost before we could hear it, in that of who retired it. */
interface Identity {
  readonly code: number | undefined
  readonly key: Ed25519PublicJwk | null
  readonly keyId: string
}

/** Signs moves with the key of this site. */
export function moveSigner(signer: SiteSigner): SignMove {
  return (move) => createJws({ payload: Buffer.from(JSON.stringify(move)), signer, type: typeOf(move) })
}

const typeOf = ({ by }: Move) => (by === undefined ? MOVE_TYPE : FORCED_MOVE_TYPE)

async function retirementsOf(
  site: string,
  reader: Reader,
  { root }: TrustOptions,
): Promise<readonly Retirement[]> {
  const rows = await reader
    .select(scope, siteRevocations)
    .selectAll()
    .where('site', '=', site)
    .where('domain_id', '=', root.domainId)
    .execute()
  return retirementsIn(rows)
}

function createAuthorityCheck({ domains, root }: TrustOptions): AuthorityCheck {
  return async (domainId, site, reader) => {
    const domain = await reader.find(scope, domains, domainId)
    const trusted = (domain as { sites?: readonly string[] } | undefined)?.sites
    if (trusted) return trusted.includes(site)
    return domainId === root.domainId && site === root.founder
  }
}

function parseMove(bytes: Buffer): Move | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  const { table, id, from, to, generation, by } = Object(value) as Partial<Record<keyof Move, unknown>>
  if (typeof table !== 'string' || typeof id !== 'string') return undefined
  if (typeof from !== 'string' || typeof to !== 'string' || !Number.isInteger(generation)) return undefined
  if (by !== undefined && typeof by !== 'string') return undefined
  return { table, id, from, to, generation: Number(generation), ...(by === undefined ? {} : { by }) }
}
