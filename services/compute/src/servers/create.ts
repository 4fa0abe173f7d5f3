/** Creating servers: host, quota, ports and the servers themselves in one transaction, all or nothing. */

import { AtollError } from '@atoll/kit'
import { type NewRecord, type StateTransaction, spendAll } from '@atoll/state'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, NoValidHost } from '../errors.ts'
import { claimHost } from '../hosts/claim.ts'
import type { HostInventory, HostRow } from '../hosts/host-inventory.ts'
import type { PortRequest } from '../network-for-compute.ts'
import { amountsOf, headroomOf, isOverQuota } from '../quotas/quota.ts'
import { type DeviceTag, servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { isTrue } from '../schemas.ts'
import { hostnameOf } from './hostname.ts'
import type { ServerPlan } from './plan.ts'
import type { ServerRow } from './status.ts'

interface Creating {
  readonly dependencies: ComputeDependencies
  readonly inventory: HostInventory
  readonly context: RequestContext
  readonly plan: ServerPlan
}

/**
 * Creates as many servers as the plan wants and the quota allows, at least its minimum.
 * @throws NoValidHost, QuotaExceeded, and what the network service says of a port
 */
export function createServers(creating: Creating): Promise<ServerRow[]> {
  return withinQuota(creating, (count) => placeServers(creating, count))
}

/** Writes the servers of a plan for which no place was found: in ERROR, with the fault that says so, as Nova does. */
export function recordUnschedulable(creating: Creating): Promise<ServerRow[]> {
  const { dependencies, plan, context } = creating
  const { state } = dependencies
  return withinQuota(creating, (count) =>
    state.transaction(async (transaction) => {
      await spendAll(transaction, amountsOf(plan.projectId, plan.flavor, count))
      const reservation = reservationOf(transaction)
      const fault = { code: 500, message: NoValidHost({}).message, created_ms: transaction.nowMs }
      const rows: ServerRow[] = []
      for (let index = 0; index < count; index++) {
        const id = transaction.mintId()
        const { nowMs } = transaction
        const draft = draftOf({ plan, context, nowMs, id, index, count, reservation })
        rows.push(
          await transaction.insert(servers, {
            ...draft,
            host: '',
            availability_zone: plan.placement.availabilityZone ?? '',
            vm_state: 'error',
            task_state: null,
            fault,
          }),
        )
      }
      return rows
    }),
  )
}

// When the wanted number is too much, what the quota still allows is tried once, if that is enough.
async function withinQuota(
  { dependencies: { state }, plan }: Creating,
  create: (count: number) => Promise<ServerRow[]>,
): Promise<ServerRow[]> {
  const { count, projectId, flavor } = plan
  try {
    return await create(count.max)
  } catch (error) {
    if (!isOverQuota(error)) throw error
    const headroom = await headroomOf(state, { projectId, flavor, wanted: count.min }, error)
    const fewer = Math.min(headroom.count, count.max - 1)
    if (fewer < count.min) throw headroom.error
    return create(fewer).catch((second: unknown) => {
      throw isOverQuota(second) ? headroom.error : second
    })
  }
}

async function placeServers(creating: Creating, count: number): Promise<ServerRow[]> {
  const { dependencies, inventory, plan } = creating
  const { state, network } = dependencies
  const claimedIds = new Set<string>()
  let attempts = 0
  let isCommitted = false
  try {
    const created = await state.transaction(async (transaction) => {
      attempts++
      await spendAll(transaction, amountsOf(plan.projectId, plan.flavor, count))
      const reservation = reservationOf(transaction)
      const rows: ServerRow[] = []
      for (let index = 0; index < count; index++) {
        const host = await claimHost({ transaction, inventory }, plan.placement)
        claimedIds.add(host.id)
        rows.push(await insertServer(creating, transaction, { host, index, count, reservation }))
      }
      return rows
    })
    isCommitted = true
    return created
  } catch (error) {
    throw await network.asNetworkError(state, error)
  } finally {
    // The inventory saw claims that were never committed, of this attempt or of one before it.
    if (!isCommitted || attempts > 1) await inventory.reread(claimedIds)
  }
}

interface Place {
  readonly host: HostRow
  readonly index: number
  readonly count: number
  readonly reservation: string
}

async function insertServer(
  creating: Creating,
  transaction: StateTransaction,
  { host, ...position }: Place,
): Promise<ServerRow> {
  const { plan, context } = creating
  const id = transaction.mintId()
  const portIds: string[] = []
  const ownPortIds: string[] = []
  const tags: DeviceTag[] = plan.diskTags.map((tag) => ({ device: 'disk', tag }))
  for (const { tag, ...wanted } of plan.networks) {
    const port = await preparePort(creating, transaction, {
      ...wanted,
      projectId: plan.projectId,
      serverId: id,
      host: host.name,
      deviceOwner: `compute:${host.availability_zone}`,
    })
    portIds.push(port.id)
    if (wanted.portId === undefined) ownPortIds.push(port.id)
    if (tag !== undefined) tags.push({ device: 'nic', port_id: port.id, tag })
  }
  return transaction.insert(servers, {
    ...draftOf({ plan, context, nowMs: transaction.nowMs, id, ...position }),
    host: host.name,
    availability_zone: host.availability_zone,
    port_ids: portIds,
    own_port_ids: ownPortIds,
    device_tags: tags,
  })
}

// A network that is not there is the request's mistake, not that its address does not exist.
async function preparePort(
  { dependencies, context }: Creating,
  transaction: StateTransaction,
  request: PortRequest,
): Promise<{ readonly id: string }> {
  try {
    return await dependencies.network.preparePort(transaction, context.scope, request)
  } catch (error) {
    if (!(error instanceof AtollError) || error.status !== 404) throw error
    throw InvalidRequest({ message: error.message }, { cause: error })
  }
}

interface Draft {
  readonly plan: ServerPlan
  readonly context: RequestContext
  readonly nowMs: number
  readonly id: string
  readonly index: number
  readonly count: number
  readonly reservation: string
}

// Everything that does not depend on where the server runs.
function draftOf({ plan, context, nowMs, id, index, count, reservation }: Draft): NewRecord<typeof servers> {
  const { body } = plan
  const suffix = count > 1 ? `-${index + 1}` : ''
  const groups = body.security_groups?.flatMap(({ name }) => name ?? []) ?? ['default']
  return {
    id,
    project_id: plan.projectId,
    user_id: plan.userId,
    name: `${plan.name}${suffix}`,
    description: plan.description,
    hostname: hostnameOf(plan.name, { id, suffix }),
    host: '',
    availability_zone: '',
    image_id: plan.imageId,
    flavor: plan.flavor,
    key_name: plan.keypair?.name ?? null,
    public_key: plan.keypair?.publicKey ?? null,
    user_data: body.user_data ?? null,
    has_config_drive: isTrue(body.config_drive),
    metadata: body.metadata ?? {},
    tags: [...new Set(body.tags)],
    security_groups: [...new Set(groups)],
    disk_config: body['OS-DCF:diskConfig'] ?? 'MANUAL',
    access_ip_v4: body.accessIPv4 ?? '',
    access_ip_v6: body.accessIPv6 ?? '',
    device_tags: [],
    actions: [
      {
        action: 'create',
        request_id: context.requestId,
        user_id: plan.userId,
        start_ms: nowMs,
      },
    ],
    port_ids: [],
    own_port_ids: [],
    reservation_id: reservation,
    launch_index: index,
    intent: 'running',
    reboots_wanted: 0,
    reboot_kind: 'SOFT',
    fence: 1,
    vm_state: 'building',
    task_state: 'spawning',
    power_state: 0,
    reboots_done: 0,
    launched_at: null,
    fault: null,
  }
}

/** Nova's form: `r-` and eight letters or digits. */
function reservationOf(transaction: StateTransaction): string {
  return `r-${transaction.mintId().slice(0, 8)}`
}
