/** What sites know of each other. */

import type { Ed25519PublicJwk } from '@atoll/overlay'
import { boolean, integer, json, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

export interface PeerAddress {
  readonly host: string
  readonly port: number
}

/** A site as it describes itself; its id is its name. Only the site itself can be the home of that. */
export const sites = defineRecord(
  'sites',
  {
    code: integer(),
    /** Where its peers listen for other sites, best first. */
    addresses: json<readonly PeerAddress[]>([]),
    /** Verifies the tokens that it issues, under the id `signing_key_id`. */
    signing_key: json<Ed25519PublicJwk | null>(null).nullable(),
    signing_key_id: text(),
    /** Where its APIs answer clients, for operators to read. */
    api_url: text(),
    /** It is away as planned, or about to be: nobody is alarmed, and nobody asks it often. */
    is_dormant: boolean(),
    /** What proves its code, PEM: its own certificate, then the one of the site that has admitted it, if another one has. */
    certificates: text().nullable(),
    /** It admits other sites. */
    admits: boolean(),
    /** What fails as one with it; see `failure-domains.ts`. */
    failure_domains: json<readonly string[]>([]),
  },
  // Two sites of one code could pass off their records as each other's.
  { audience: 'everyone', ids: 'given', soleHome: (row) => row.id, unique: [['code']] },
)

/**
 * A site that is shut out for good, because it was lost or captured. A record of its own, so that whoever is trusted with
 * the cloud's own domain can write it, at any site; it overrides whatever the revoked site says. With an heir it is a
 * retirement: the heir takes over what the site kept.
 */
export const siteRevocations = defineRecord(
  'site_revocations',
  {
    site: text(),
    /** The domain whose sites may say so; only the cloud's own counts. */
    domain_id: text(),
    reason: text(),
    /**
     * Of the sites that it has admitted, those that were known when this was written: they stay. Whoever it admits later, or before
     * and dated back, with a key that somebody has captured, is shut out with it.
     */
    kept: json<readonly string[]>([]),
    heir: text().nullable(),
    /** When it was retired, at first: of two retirements by sites that could not hear each other, the earlier one counts. */
    retired_at: integer().nullable(),
    /** What the site had said of itself, for those that join later and never hear it: see `sites`. */
    code: integer().nullable(),
    signing_key: json<Ed25519PublicJwk | null>(null).nullable(),
    signing_key_id: text().nullable(),
  },
  { audience: 'everyone', authority: (row) => row.domain_id, indexes: [['site']] },
)

/** Of a revocation that is no retirement. */
export const withoutHeir = {
  heir: null,
  retired_at: null,
  code: null,
  signing_key: null,
  signing_key_id: null,
} as const

export const federationRecords = [sites, siteRevocations] as unknown as readonly RecordTable[]
