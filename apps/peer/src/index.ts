/** One peer: the composition of all services, and how to found, join, run and ask one. */

export type { Distances } from '@atoll/federation'
export type { NearSite } from '@atoll/overlay'
export {
  type AdminHandlers,
  adminSocketPath,
  type Invitation,
  type OverlayStatus,
  type PeerStatus,
  type SitePeerStatus,
  type SiteStatus,
} from './admin-socket.ts'
export { type ComposeOptions, composePeer, type Peer } from './compose.ts'
export { DataInUse } from './data-lock.ts'
export * from './found-site.ts'
export * from './join-site.ts'
export * from './run-peer.ts'
export * from './settings.ts'
export * from './site-file.ts'
export { VERSION } from './version.ts'
export type { World, WorldHost } from './world.ts'
