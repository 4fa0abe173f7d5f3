/** Placement inside a site: pure filters and weighers over snapshots of hosts. */

export { chooseHost } from './choose-host.ts'
export { type Filter, filters, type PlacementRequest, passes } from './filters.ts'
export { freeOf, type HostSnapshot, hasRoom, type Resources } from './host-snapshot.ts'
export { type Weigher, weigh } from './weighers.ts'
