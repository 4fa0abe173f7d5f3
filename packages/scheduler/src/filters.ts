/** Filters: each says whether a host may take a server at all. */

import { type HostSnapshot, hasRoom, type Resources } from './host-snapshot.ts'

export interface PlacementRequest {
  readonly needs: Resources
  /** Undefined: any zone will do. */
  readonly availabilityZone?: string | undefined
  /** The one host that may take the server. */
  readonly hostName?: string | undefined
  /** An administrator's word: neither the zone nor a disabled host stands in the way; room must be there all the same. */
  readonly isForced?: boolean | undefined
  /** Ids of hosts that turned out to be full. */
  readonly excluded?: ReadonlySet<string> | undefined
}

export type Filter = (host: HostSnapshot, request: PlacementRequest) => boolean

export const isEnabled: Filter = (host, { isForced }) => isForced === true || host.isEnabled

export const isInZone: Filter = (host, { availabilityZone, isForced }) =>
  isForced === true || availabilityZone === undefined || host.availabilityZone === availabilityZone

export const isRequestedHost: Filter = (host, { hostName }) =>
  hostName === undefined || host.name === hostName

export const isNotExcluded: Filter = (host, { excluded }) => !excluded?.has(host.id)

export const hasCapacity: Filter = (host, { needs }) => hasRoom(host, needs)

/** All filters, the cheap ones first. */
export const filters: readonly Filter[] = [isRequestedHost, isInZone, isEnabled, isNotExcluded, hasCapacity]

/** True when every filter lets the host through. */
export function passes(host: HostSnapshot, request: PlacementRequest): boolean {
  return filters.every((filter) => filter(host, request))
}
