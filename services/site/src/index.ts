/** Several peers as one site: who lives, and who serves which host. */

export { claimStore } from './claim-store.ts'
export * from './errors.ts'
export { HostOwnership, type HostOwnershipOptions, type ReachableHost } from './host-ownership.ts'
export { BEAT_MS, type KnownPeer, Membership, type PeerDescription, SILENT_MS } from './membership.ts'
export { PeerDesk } from './peer-desk.ts'
export { planOwners } from './plan-owners.ts'
export { siteTables } from './tables.ts'
