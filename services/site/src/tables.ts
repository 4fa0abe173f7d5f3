/** What the peers of a site keep in the store that they share, about each other. */

import { boolean, defineTable, integer, json, type Table, text } from '@atoll/rome'

export interface PeerAddress {
  readonly host: string
  readonly port: number
}

/** The peers of this site: what changes only when one starts. */
export const peers = defineTable(
  'peers',
  {
    name: text(),
    /** Of the process: another one each time that the peer starts. */
    incarnation: text(),
    /** Where it listens to other peers. */
    addresses: json<readonly PeerAddress[]>([]),
    api_url: text(),
    /** Names of the hosts that it could serve. */
    hosts: json<readonly string[]>([]),
  },
  { primaryKey: ['name'] },
)

/** The sign of life of each peer: all that is written again and again, so as little as can be. */
export const peerBeats = defineTable(
  'peer_beats',
  {
    name: text(),
    incarnation: text(),
    /** Rises with every sign of life. No clock is compared with another: others see that it rises. */
    beat: integer(),
    /** True when it said goodbye: nobody has to wait for its silence. */
    has_left: boolean(),
  },
  { primaryKey: ['name'] },
)

/** Which peer serves a host. The epoch rises with every change; what an earlier owner still writes is refused. */
export const hostOwners = defineTable(
  'host_owners',
  { host: text(), peer: text(), incarnation: text(), epoch: integer() },
  { primaryKey: ['host'] },
)

/** Tokens for new peers that this site issued; `claimed_by` is the peer that spent one. */
export const peerTokens = defineTable(
  'peer_tokens',
  {
    id: text(),
    secret_hash: text(),
    peer_name: text().nullable(),
    expires_at_ms: integer(),
    claimed_by: text().nullable(),
    claimed_key_hash: text().nullable(),
  },
  { primaryKey: ['id'], indexes: [['claimed_by']] },
)

/** Whose store it is: one row. */
export const storeSite = defineTable(
  'store_site',
  { name: text(), cloud: text(), site: text() },
  { primaryKey: ['name'] },
)

export const siteTables: readonly Table[] = [peers, peerBeats, hostOwners, peerTokens, storeSite]
