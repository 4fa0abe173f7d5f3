/** What sites know of each other. */

import type { Ed25519PublicJwk } from '@atoll/overlay'
import { integer, json, text } from '@atoll/rome'
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
  },
  // Two sites of one code could pass off their records as each other's.
  { audience: 'everyone', ids: 'given', soleHome: (row) => row.id, unique: [['code']] },
)

export const federationRecords = [sites] as unknown as readonly RecordTable[]
