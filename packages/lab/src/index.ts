/** The lab: sites in network namespaces with a WAN between them, and the guest that runs on them. */

export * from './ensure-packages.ts'
export * from './errors.ts'
export {
  buildGuestImage,
  type GuestImage,
  type GuestImageOptions,
  guestImagePackages,
} from './guest-image/build-guest-image.ts'
export { cleanUpLab, sweepStaleLabs } from './hosts/clean-up.ts'
export * from './hosts/lab.ts'
export type { DirectionOptions, Wan } from './hosts/wan.ts'
export type { WanPairCounters } from './hosts/wan-relay.ts'
export type { ProgramResult, RunOptions } from './run-program.ts'
export * from './stores/etcd-server.ts'
export * from './stores/galera-cluster.ts'
export * from './stores/mariadb-server.ts'
export * from './stores/postgresql-server.ts'
export * from './stores/redis-cluster.ts'
export * from './stores/redis-server.ts'
export * from './stores/server-certificates.ts'
export * from './stores/server-host.ts'
export type { SqlStoreServer, StoreServer, StoreServerOptions } from './stores/store-server.ts'
