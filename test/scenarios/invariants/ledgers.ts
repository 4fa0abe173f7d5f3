/** What must add up at any time, over all sites: claims of hosts, addresses, quota and shares. */

import assert from 'node:assert/strict'
import type { Model } from '../model.ts'
import { json, type RecordRow, type SiteTables } from './tables.ts'

interface Flavor {
  readonly vcpus: number
  readonly ram: number
  readonly disk: number
}

/** @throws AssertionError when a sum is wrong */
export function checkLedgers(sites: readonly SiteTables[], model: Model): void {
  for (const site of sites) {
    checkHosts(site)
    checkSpending(site)
  }
  checkAddresses(sites)
  checkQuota(sites, model)
  checkShares(sites)
}

/** A host's columns of use are the sums of its servers, and never more than the host has. */
function checkHosts(site: SiteTables): void {
  const servers = site.own('servers')
  for (const host of site.own('hosts')) {
    const flavors = servers.filter((server) => server.host === host.name).map(flavorOf)
    const used = {
      vcpus_used: sum(flavors.map(({ vcpus }) => vcpus)),
      ram_mib_used: sum(flavors.map(({ ram }) => ram)),
      disk_gib_used: sum(flavors.map(({ disk }) => disk)),
      servers_count: flavors.length,
    }
    for (const [column, value] of Object.entries(used))
      assert.equal(
        host[column],
        value,
        `${column} of host ${String(host.name)} is not the sum of its servers`,
      )
    const fits =
      used.ram_mib_used <= Number(host.ram_mib) &&
      used.disk_gib_used <= Number(host.disk_gib) &&
      used.vcpus_used <= Number(host.vcpus) * Number(host.cpu_allocation_ratio)
    assert.ok(fits, `host ${String(host.name)} is over-committed`)
  }
}

/** What a site has spent of a project's quota is what its servers take. */
function checkSpending(site: SiteTables): void {
  const servers = site.own('servers')
  for (const { resource, used } of site.local('usages')) {
    const [what = '', projectId] = String(resource).split(':')
    const amountOf = QUOTA[what]
    if (!amountOf) continue
    const taken = sum(servers.filter(({ project_id }) => project_id === projectId).map(amountOf))
    assert.equal(used, taken, `${site.site} has spent another ${String(resource)} than its servers take`)
  }
}

const QUOTA: Readonly<Record<string, (server: RecordRow) => number>> = {
  quota_instances: () => 1,
  quota_cores: (server) => flavorOf(server).vcpus,
  quota_ram: (server) => flavorOf(server).ram,
}

/** No two ports of the cloud have one address of a subnet. */
function checkAddresses(sites: readonly SiteTables[]): void {
  const holders = new Map<string, string>()
  for (const site of sites) {
    for (const port of site.own('ports')) {
      for (const { subnet_id, ip_address } of json<{ subnet_id: string; ip_address: string }[]>(
        port.fixed_ips,
      )) {
        const key = `${ip_address} of subnet ${subnet_id}`
        const holder = holders.get(key)
        assert.equal(holder, undefined, `${key} has been given to ports ${holder} and ${port.id}`)
        holders.set(key, port.id)
      }
    }
  }
}

/** All sites together never spend more than the largest limit that a project was ever given. */
function checkQuota(sites: readonly SiteTables[], model: Model): void {
  const instances = new Map<string, number>()
  for (const site of sites) {
    for (const { project_id } of site.own('servers')) {
      const projectId = String(project_id)
      instances.set(projectId, (instances.get(projectId) ?? 0) + 1)
    }
  }
  for (const [projectId, count] of instances) {
    const limit = model.limitsMax.get(`${projectId} instances`) ?? 10
    assert.ok(
      count <= limit,
      `project ${projectId} has ${count} servers, and its limit never was above ${limit}`,
    )
  }
}

/** The lender's word on a share is the truth: nobody spends more than that, and no number is lent twice. */
function checkShares(sites: readonly SiteTables[]): void {
  for (const lender of sites) {
    const byResource = Map.groupBy(lender.own('shares'), ({ resource }) => String(resource))
    for (const [resource, parts] of byResource) {
      const ranges = parts.flatMap((part) => json<[number, number][]>(part.ranges))
      ranges.sort(([left], [right]) => left - right)
      for (const [index, [from]] of ranges.entries()) {
        const before = ranges[index - 1]
        assert.ok(!before || before[1] <= from, `${resource} is lent twice from ${from} on`)
      }
      if (ranges.length === 0) checkAmounts(sites, resource, parts)
    }
  }
}

/**
 * An heir spends what the lost site's servers take from the moment that it has them, and the lender passes that site's part on a moment
 * later: until then nobody else can have it.
 */
function checkAmounts(sites: readonly SiteTables[], resource: string, parts: readonly RecordRow[]): void {
  const siteOf = ({ borrower }: RecordRow) => sites.find(({ site }) => site === borrower)
  const ofTheLost = sum(
    parts.filter((part) => !siteOf(part)).map(({ amount }) => Math.max(0, Number(amount))),
  )
  for (const part of parts) {
    const { borrower, amount } = part
    const used =
      siteOf(part)
        ?.local('usages')
        .find((usage) => usage.resource === resource)?.used ?? 0
    assert.ok(
      amount === -1 || Number(used) <= Number(amount) + ofTheLost,
      `${String(borrower)} has spent ${String(used)} of the ${String(amount)} that it was lent of ${resource}`,
    )
  }
}

function flavorOf(server: RecordRow): Flavor {
  return json<Flavor>(server.flavor)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
