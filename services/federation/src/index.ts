/** Federation: many sites as one cloud. */

export * from './directory.ts'
export * from './errors.ts'
export { Federation, type FederationOptions } from './federation.ts'
export { Freshness } from './freshness.ts'
export type { Distances } from './overlay/distances.ts'
export { NearestQuery } from './overlay/overlay-endpoints.ts'
export { type OverlayMember, PeerOverlay } from './overlay/peer-overlay.ts'
export type { ChunkSource } from './peer-endpoints.ts'
export * from './records.ts'
export type { Needs, Places } from './router.ts'
export { federationTables } from './tables.ts'
