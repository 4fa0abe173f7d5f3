/** `/os-hypervisors`: the hosts as machines, for administrators. */

import { type Endpoint, endpoint } from '@atoll/http'
import { isUuid } from '@atoll/kit'
import { freeOf } from '@atoll/scheduler'
import { type TSchema, Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { HypervisorNotFound, InvalidRequest, MarkerNotFound, NotOffered } from '../errors.ts'
import { integerIdOf } from '../integer-id.ts'
import { nextLink } from '../links.ts'
import type { RequestContext } from '../request-context.ts'
import { boolean, isTrue, last, pageLimit, pagingParameters, parameter, textParameter } from '../schemas.ts'
import { byVersion, isSince } from '../versions.ts'
import { listHosts, serversByHost, stateOf } from './app.ts'
import { type HostRow, snapshotOf } from './host-inventory.ts'

const path = '/os-hypervisors'
const rule = (action: string) => `os_compute_api:os-hypervisors:${action}`

interface HypervisorsQuery {
  readonly limit?: readonly string[]
  readonly marker?: readonly string[]
  readonly hypervisor_hostname_pattern?: readonly string[]
  readonly with_servers?: readonly (boolean | string)[]
}

const querySince = (has: (version: string) => boolean): TSchema =>
  Type.Object(
    {
      ...(has('2.33') && pagingParameters),
      ...(has('2.53') && {
        hypervisor_hostname_pattern: textParameter,
        with_servers: parameter(boolean),
      }),
    },
    { additionalProperties: !has('2.53') },
  )

type HypervisorView = (context: RequestContext, host: HostRow, isUp: boolean) => object

export function hypervisorEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  const forms: readonly (readonly [string, string, HypervisorView])[] = [
    [path, 'list', summaryView],
    [`${path}/detail`, 'list-detail', detailView],
  ]
  return [
    ...forms.flatMap(([formPath, action, view]) =>
      byVersion(['2.1', '2.33', '2.53'], (has) =>
        endpoint({
          method: 'GET',
          path: formPath,
          rule: rule(action),
          query: querySince(has),
          handle: (context) => listPage(dependencies, context, view),
        }),
      ),
    ),
    endpoint({
      method: 'GET',
      path: `${path}/statistics`,
      rule: rule('statistics'),
      handle: async (context) => ({
        hypervisor_statistics: statistics(await listHosts(dependencies.state, context)),
      }),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:hypervisor_id`,
      rule: rule('show'),
      query: Type.Object({ with_servers: parameter(boolean) }, { additionalProperties: true }),
      handle: async (context) => {
        const host = await findHypervisor(dependencies, context)
        const isUp = dependencies.freshness.isReachable(host)
        const [servers = {}] = await serversView(dependencies, context, [host])
        return { hypervisor: { ...detailView(context, host, isUp), ...servers } }
      },
    }),
  ]
}

async function listPage(dependencies: ComputeDependencies, context: RequestContext, view: HypervisorView) {
  const query = context.query as HypervisorsQuery
  const all = await listHosts(dependencies.state, context)
  const pattern = isSince(context, '2.53') ? last(query.hypervisor_hostname_pattern) : undefined
  const isPaged = isSince(context, '2.33')
  const marker = isPaged ? last(query.marker) : undefined
  if (pattern !== undefined && (query.limit !== undefined || marker !== undefined)) {
    throw InvalidRequest({
      message:
        'Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.',
    })
  }
  const matching = all.filter(({ name }) => pattern === undefined || name.includes(pattern))
  if (pattern !== undefined && matching.length === 0)
    throw NotOffered({ message: `No hypervisor matching '${pattern.slice(0, 255)}' could be found.` })
  const markerIndex = matching.findIndex((host) => String(idOf(context, host)) === marker)
  if (marker !== undefined && markerIndex < 0) throw MarkerNotFound({ marker })
  const limit = isPaged ? pageLimit(query.limit) : matching.length
  const page = matching.slice(markerIndex + 1, markerIndex + 1 + limit)
  const servers = await serversView(dependencies, context, page)
  const lastHost = page.at(-1)
  const hasLink = isPaged && pattern === undefined && lastHost !== undefined && page.length === limit
  return {
    hypervisors: page.map((host, index) => ({
      ...view(context, host, dependencies.freshness.isReachable(host)),
      ...servers[index],
    })),
    ...(hasLink && { hypervisors_links: nextLink(context, String(idOf(context, lastHost))) }),
  }
}

async function findHypervisor({ state }: ComputeDependencies, context: RequestContext): Promise<HostRow> {
  const id = context.params.hypervisor_id ?? ''
  if (isSince(context, '2.53') && !isUuid(id))
    throw InvalidRequest({ message: `Invalid uuid ${id.slice(0, 64)}` })
  const host = (await listHosts(state, context)).find((one) => String(idOf(context, one)) === id)
  if (!host) throw HypervisorNotFound({ id: id.slice(0, 64) })
  return host
}

// For each host of a page, what is to be added to its view.
async function serversView(
  { state }: ComputeDependencies,
  context: RequestContext,
  page: readonly HostRow[],
): Promise<object[]> {
  const { with_servers } = context.query as HypervisorsQuery
  if (!isSince(context, '2.53') || !isTrue(last(with_servers))) return page.map(() => ({}))
  const byHost = await serversByHost(
    state,
    context,
    page.map(({ name }) => name),
  )
  return page.map(({ name }) => {
    const servers = (byHost.get(name) ?? []).map((server) => ({ name: server.name, uuid: server.id }))
    return servers.length > 0 || isSince(context, '2.75') ? { servers } : {}
  })
}

/** Since 2.53 hosts are known by their UUIDs. */
function idOf(context: RequestContext, { id }: HostRow): string | number {
  return isSince(context, '2.53') ? id : integerIdOf(id)
}

function summaryView(context: RequestContext, host: HostRow, isUp: boolean) {
  return {
    id: idOf(context, host),
    hypervisor_hostname: host.name,
    state: stateOf(host, isUp),
    status: host.enabled ? 'enabled' : 'disabled',
  }
}

function detailView(context: RequestContext, host: HostRow, isUp: boolean) {
  const free = freeOf(snapshotOf(host))
  const cpuInfo = { model: host.cpu_model }
  return {
    ...summaryView(context, host, isUp),
    hypervisor_type: host.hypervisor_type,
    hypervisor_version: host.hypervisor_version,
    host_ip: host.tunnel_ip,
    service: { id: idOf(context, host), host: host.name, disabled_reason: host.disabled_reason },
    vcpus: host.vcpus,
    vcpus_used: host.vcpus_used,
    memory_mb: host.ram_mib,
    memory_mb_used: host.ram_mib_used,
    free_ram_mb: free.ramMib,
    local_gb: host.disk_gib,
    local_gb_used: host.disk_gib_used,
    free_disk_gb: free.diskGib,
    disk_available_least: free.diskGib,
    running_vms: host.servers_count,
    current_workload: 0,
    cpu_info: isSince(context, '2.28') ? cpuInfo : JSON.stringify(cpuInfo),
  }
}

function statistics(all: readonly HostRow[]) {
  const enabled = all.filter((host) => host.enabled)
  const sum = (amount: (host: HostRow) => number) => enabled.reduce((total, host) => total + amount(host), 0)
  return {
    count: enabled.length,
    vcpus: sum(({ vcpus }) => vcpus),
    vcpus_used: sum(({ vcpus_used }) => vcpus_used),
    memory_mb: sum(({ ram_mib }) => ram_mib),
    memory_mb_used: sum(({ ram_mib_used }) => ram_mib_used),
    free_ram_mb: sum(({ ram_mib, ram_mib_used }) => ram_mib - ram_mib_used),
    local_gb: sum(({ disk_gib }) => disk_gib),
    local_gb_used: sum(({ disk_gib_used }) => disk_gib_used),
    free_disk_gb: sum(({ disk_gib, disk_gib_used }) => disk_gib - disk_gib_used),
    disk_available_least: sum(({ disk_gib, disk_gib_used }) => disk_gib - disk_gib_used),
    running_vms: sum(({ servers_count }) => servers_count),
    current_workload: 0,
  }
}
