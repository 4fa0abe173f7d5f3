/** Servers, flavors, keypairs and the hosts they run on: Nova v2.1, and what hosts report of their servers. */

export { HostAgent, type HostAgentOptions } from './agent/host-agent.ts'
export type {
  BootImage,
  ComputeHost,
  GuestAddress,
  GuestPort,
  ImagesForAgent,
  PortsForAgent,
} from './agent/host-drivers.ts'
export { type HostOwnership, soleOwner } from './agent/host-ownership.ts'
export {
  ConfigDriveFailed,
  type ConfigDrives,
  GenisoimageMissing,
  simulatedConfigDrives,
} from './agent/metadata/config-drives.ts'
export { isoConfigDrives } from './agent/metadata/iso-config-drives.ts'
export { createMetadataService } from './agent/metadata/metadata-service.ts'
export { createComputeApi } from './create-compute-api.ts'
export type { ComputeDependencies, Freshness, IsKept } from './dependencies.ts'
export * from './errors.ts'
export { releaseHost } from './hosts/claim.ts'
export type { ImageForCompute, ImagesForCompute } from './images-for-compute.ts'
export type {
  NetworkForCompute,
  NetworkInterface,
  PortRelease,
  PortRequest,
} from './network-for-compute.ts'
export { quotaFounders } from './quotas/quota.ts'
export * from './records.ts'
export {
  completeDeletion,
  reportError,
  reportRebooted,
  reportRunning,
  reportStopped,
} from './reports.ts'
export { rules as computeRules } from './rules.ts'
export { recountQuotas, settleDisplacedServer } from './servers/displaced.ts'
