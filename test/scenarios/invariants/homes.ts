/** One home per record, with a generation that only rises, and replicas that become what their home has. */

import assert from 'node:assert/strict'
import type { Model } from '../model.ts'
import { json, type RecordRow, type SiteTables } from './tables.ts'

export class HomeWatch {
  readonly #generations = new Map<string, number>()

  /** @throws AssertionError when a site went back to an older generation, or two sites take themselves for the home */
  check(sites: readonly SiteTables[]): void {
    for (const table of sites[0]?.recordTables ?? []) {
      const homes = new Map<string, string>()
      for (const site of sites) {
        for (const { id, home, generation } of site.records(table)) {
          this.#checkGeneration(`${table} ${id} at ${site.site}`, generation)
          if (home !== site.site) continue
          const other = homes.get(id)
          assert.equal(
            other,
            undefined,
            `${other} and ${site.site} both take themselves for the home of ${table} ${id}`,
          )
          homes.set(id, site.site)
        }
      }
    }
  }

  #checkGeneration(what: string, generation: number): void {
    const before = this.#generations.get(what) ?? 0
    assert.ok(generation >= before, `${what} went from generation ${before} back to ${generation}`)
    this.#generations.set(what, generation)
  }
}

/**
 * The first difference between a home and a replica, in words; undefined when all sites agree. @param givenUp names of sites of
 * which nothing may be left but tombstones, and the record by which what they signed is judged
 */
export function findDivergence(
  sites: readonly SiteTables[],
  givenUp: readonly string[] = [],
): string | undefined {
  for (const table of sites[0]?.recordTables ?? []) {
    const rows = new Map(sites.map((site) => [site.site, byId(site.records(table))]))
    for (const [site, own] of rows) {
      for (const row of own.values()) {
        if (givenUp.includes(row.home) && (table === 'sites' || row.deleted_at !== null)) continue
        const truth = rows.get(row.home)?.get(row.id)
        if (truth?.home !== row.home)
          return `${table} ${row.id} is at ${site}, and its home ${row.home} does not have it`
        const different = Object.keys(row).find((column) => row[column] !== truth[column])
        if (different !== undefined)
          return `${different} of ${table} ${row.id} is ${String(row[different])} at ${site} and ${String(truth[different])} at its home ${row.home}`
      }
      for (const [home, truths] of rows) {
        for (const { id } of truths.values())
          if (!own.has(id)) return `${table} ${id} of ${home} has not come to ${site}`
      }
    }
  }
  return undefined
}

/** The first server whose host has not yet done what was asked of it; undefined when all is done. */
export function findUnsettled(sites: readonly SiteTables[]): string | undefined {
  for (const site of sites) {
    for (const { id, vm_state, task_state, intent } of site.own('servers')) {
      if (vm_state === 'building' || task_state !== null || intent === 'deleted')
        return `server ${id} at ${site.site} is ${String(vm_state)}, ${String(task_state)}, wanted ${String(intent)}`
    }
  }
  return undefined
}

/**
 * A server's ports are where the server is, unless a client deleted them, and no port is bound to a server that is not.
 * @throws AssertionError
 */
export function checkPorts(sites: readonly SiteTables[], model: Model): void {
  const isDeleted = (id: string) => model.things.some((thing) => thing.id === id && thing.deletion !== 'no')
  for (const site of sites) {
    const [servers, ports] = [byId(site.own('servers')), byId(site.own('ports'))]
    for (const server of servers.values()) {
      for (const portId of json<string[]>(server.port_ids).filter((id) => !isDeleted(id)))
        assert.equal(
          ports.get(portId)?.device_id,
          server.id,
          `port ${portId} is not with its server ${server.id}`,
        )
    }
    for (const port of ports.values()) {
      if (String(port.device_owner).startsWith('compute:'))
        assert.ok(servers.has(String(port.device_id)), `port ${port.id} is bound to no server`)
    }
  }
}

function byId(rows: readonly RecordRow[]): ReadonlyMap<string, RecordRow> {
  return new Map(rows.map((row) => [row.id, row]))
}
