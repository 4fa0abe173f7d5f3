/** The service catalog: where a client finds each API, at the very address by which it has reached this peer. */

import { createHash } from 'node:crypto'

export interface CatalogEndpoint {
  readonly id: string
  readonly interface: 'public' | 'internal' | 'admin'
  readonly region: string
  readonly region_id: string
  readonly url: string
}

export interface CatalogEntry {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly endpoints: readonly CatalogEndpoint[]
}

/** @param origin scheme, host and port of the peer as the client knows it, without a final slash */
export type Catalog = (origin: string) => readonly CatalogEntry[]

export interface CatalogService {
  /** OpenStack's service type: `compute`. */
  readonly type: string
  /** Name of the project that made it, as users expect it: `nova`. */
  readonly name: string
  /** Below the origin: `/compute/v2.1`. */
  readonly path: string
}

/**
 * The APIs of Atoll. Nova stands with its version, as everywhere: python-novaclient puts its paths straight behind
 * the URL of the catalog. All others stand without, and clients discover the version.
 */
export const atollServices: readonly CatalogService[] = [
  { type: 'identity', name: 'keystone', path: '/identity' },
  { type: 'image', name: 'glance', path: '/image' },
  { type: 'compute', name: 'nova', path: '/compute/v2.1' },
  { type: 'placement', name: 'placement', path: '/placement' },
  { type: 'network', name: 'neutron', path: '/network' },
]

/** Ids are made from types, so that every peer says the same without having agreed. */
export function createCatalog({
  region,
  services = atollServices,
}: {
  readonly region: string
  readonly services?: readonly CatalogService[]
}): Catalog {
  return (origin) =>
    services.map(({ type, name, path }) => ({
      id: idOf(type),
      type,
      name,
      endpoints: (['public', 'internal', 'admin'] as const).map((audience) => ({
        id: idOf(`${type}/${audience}`),
        interface: audience,
        region,
        region_id: region,
        url: `${origin}${path}`,
      })),
    }))
}

function idOf(text: string): string {
  return createHash('sha256').update(`atoll catalog ${text}`).digest('hex').slice(0, 32)
}
