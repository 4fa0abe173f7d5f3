/** A small typed client of the OpenStack APIs, for our own tools and tests. */

export * from './connection.ts'
export * from './errors.ts'
export * from './resources/domains.ts'
export * from './resources/flavors.ts'
export * from './resources/images.ts'
export * from './resources/keypairs.ts'
export * from './resources/networks.ts'
export * from './resources/servers.ts'
export * from './wait-until.ts'
