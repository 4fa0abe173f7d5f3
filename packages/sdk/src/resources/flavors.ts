/** Flavors: how large a server is. */

import type { Connection } from '../connection.ts'

export interface NewFlavor {
  readonly name: string
  readonly vcpus: number
  readonly ramMib: number
  readonly diskGib: number
}

export async function createFlavor(connection: Connection, flavor: NewFlavor): Promise<{ id: string }> {
  const { name, vcpus, ramMib, diskGib } = flavor
  const body = { flavor: { name, vcpus, ram: ramMib, disk: diskGib } }
  return (await connection.post<{ flavor: { id: string } }>('compute', '/v2.1/flavors', body)).flavor
}
