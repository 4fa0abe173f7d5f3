/** From the body of a create to a plan: everything that can be read and refused before the transaction begins. */

import type { PlacementRequest } from '@atoll/scheduler'
import type { ComputeDependencies } from '../dependencies.ts'
import { FlavorNotFound, InvalidRequest, KeypairNotFound, LimitExceeded } from '../errors.ts'
import { findFlavor } from '../flavors/app.ts'
import type { FlavorRow } from '../flavors/view.ts'
import { needsOf } from '../hosts/claim.ts'
import type { HostInventory } from '../hosts/host-inventory.ts'
import { findKeypair } from '../keypairs/app.ts'
import { limitsOf } from '../quotas/limits.ts'
import type { EmbeddedFlavor } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { isSince } from '../versions.ts'
import { checkBlockDevices } from './block-devices.ts'
import type { CreateBody } from './create-schema.ts'
import { type PlannedNetwork, planNetworks } from './plan-networks.ts'

export interface ServerPlan {
  readonly projectId: string
  readonly userId: string
  readonly name: string
  readonly description: string | null
  readonly count: { readonly min: number; readonly max: number }
  readonly flavor: EmbeddedFlavor
  readonly placement: PlacementRequest
  readonly imageId: string
  readonly keypair: { readonly name: string; readonly publicKey: string } | undefined
  readonly networks: readonly PlannedNetwork[]
  readonly diskTags: readonly string[]
  readonly body: CreateBody['server']
}

/** A server's zone and the hosts that may take it, as the client named them. */
export interface Destination {
  readonly zone: string | undefined
  readonly host: string | undefined
  readonly isForced: boolean
}

/** @throws what Nova answers to each kind of bad request */
export async function planServer(
  dependencies: ComputeDependencies,
  inventory: HostInventory,
  context: RequestContext,
): Promise<ServerPlan> {
  const { server, ...rest } = context.body as CreateBody
  const projectId = context.authorization.projectId
  if (projectId === null) throw InvalidRequest({ message: 'The token is not scoped to a project.' })
  const count = countOf(server)
  checkHints(rest['os:scheduler_hints'] ?? rest['OS-SCH-HNT:scheduler_hints'])
  checkUnsupported(server)
  const destination = destinationOf(context)
  await checkDestination(inventory, destination)
  const flavor = embeddedFlavor(await requestedFlavor(dependencies, context))
  const { imageId, diskTags } = checkBlockDevices(server)
  await checkImage(dependencies, context, { imageId, flavor })
  await checkMetadata(dependencies, projectId, server.metadata)
  const keypair = await requestedKeypair(dependencies, context, server.key_name)
  const networks = await planNetworks(dependencies, context, { projectId, countMax: count.max })
  const name = server.name.replaceAll(/\s/g, ' ').trim()
  const { zone: availabilityZone, host: hostName, isForced } = destination
  return {
    projectId,
    userId: context.authorization.userId,
    name,
    // Before anybody could set one, a server's description was its name.
    description: isSince(context, '2.19') ? (server.description ?? null) : name,
    count,
    flavor,
    placement: { needs: needsOf(flavor), availabilityZone, hostName, isForced },
    imageId,
    keypair,
    networks,
    diskTags,
    body: server,
  }
}

const flavorsRequested = new WeakMap<RequestContext, Promise<FlavorRow>>()

/** The flavor that a create names, read once for each request. @throws InvalidRequest when the bearer has no such flavor */
export function requestedFlavor(
  dependencies: Pick<ComputeDependencies, 'state'>,
  context: RequestContext,
): Promise<FlavorRow> {
  const flavor = flavorsRequested.get(context) ?? readFlavor(dependencies, context)
  flavorsRequested.set(context, flavor)
  return flavor
}

async function readFlavor(
  { state }: Pick<ComputeDependencies, 'state'>,
  context: RequestContext,
): Promise<FlavorRow> {
  const { server } = context.body as CreateBody
  // Old clients send the flavor's address; its last part is the id.
  const id = String(server.flavorRef).split('/').at(-1) ?? ''
  try {
    return await findFlavor(state, context, id)
  } catch (error) {
    if (!FlavorNotFound.is(error)) throw error
    throw InvalidRequest({ message: error.message }, { cause: error })
  }
}

export function embeddedFlavor(flavor: FlavorRow): EmbeddedFlavor {
  return {
    id: flavor.flavor_id,
    original_name: flavor.name,
    vcpus: flavor.vcpus,
    ram: flavor.ram_mib,
    disk: flavor.disk_gib,
    ephemeral: flavor.ephemeral_gib,
    swap: flavor.swap_mib,
    extra_specs: flavor.extra_specs,
  }
}

/** Reads `zone`, `zone:host`, `zone:host:node`, and since 2.74 `host`. @throws Forbidden, InvalidRequest */
export function destinationOf(context: RequestContext): Destination {
  const { server } = context.body as CreateBody
  const parts = (server.availability_zone ?? '').split(':')
  if (parts.length > 3) throw InvalidRequest({ message: 'Unable to parse availability_zone' })
  const [zone = '', forcedHost = '', forcedNode = ''] = parts
  const forced = forcedHost || forcedNode
  const requested = server.host ?? server.hypervisor_hostname
  if (forced) context.authorize('os_compute_api:servers:create:forced_host')
  if (requested !== undefined) context.authorize('compute:servers:create:requested_destination')
  if (forced && requested !== undefined) {
    throw InvalidRequest({
      message:
        'One mechanism with host and/or hypervisor_hostname and another mechanism with zone:host:node are mutually exclusive.',
    })
  }
  return { zone: zone || undefined, host: forced || requested, isForced: forced !== '' }
}

async function checkDestination(inventory: HostInventory, { zone, host }: Destination): Promise<void> {
  await inventory.ready()
  if (zone !== undefined && !inventory.hasZone(zone))
    throw InvalidRequest({ message: 'The requested availability zone is not available' })
  if (host !== undefined && !inventory.findByName(host))
    throw InvalidRequest({ message: `Compute host ${host} could not be found.` })
}

/** The most servers of one request: all of them are one transaction, which others wait for. */
const COUNT_MAX = 100

function countOf(server: CreateBody['server']) {
  const min = Number(server.min_count ?? 1)
  const max = Number(server.max_count ?? min)
  if (min > max) throw InvalidRequest({ message: 'min_count must be <= max_count' })
  if (min > COUNT_MAX) throw InvalidRequest({ message: `min_count must be <= ${COUNT_MAX}` })
  return { min, max: Math.min(max, COUNT_MAX) }
}

function checkHints(hints: CreateBody['os:scheduler_hints']): void {
  const group = [hints?.group ?? []].flat()[0]
  if (group !== undefined) throw InvalidRequest({ message: `Instance group ${group} could not be found.` })
}

function checkUnsupported(server: CreateBody['server']): void {
  if (server.personality && server.personality.length > 0)
    throw LimitExceeded({ message: 'Personality file limit exceeded' })
  const [certificate] = server.trusted_image_certificates ?? []
  if (certificate !== undefined) {
    throw InvalidRequest({
      message: `Image signature certificate validation failed for certificate: ${certificate}. Image signature verification is not enabled.`,
    })
  }
}

const GIB = 1024 ** 3

async function checkImage(
  { images }: ComputeDependencies,
  context: RequestContext,
  { imageId, flavor }: { imageId: string; flavor: EmbeddedFlavor },
): Promise<void> {
  const image = await images.find(context.scope, imageId)
  if (!image) throw InvalidRequest({ message: 'Can not find requested image' })
  if (image.status !== 'active') throw InvalidRequest({ message: `Image ${imageId} is not active.` })
  if (image.min_ram_mib > flavor.ram)
    throw InvalidRequest({ message: "Flavor's memory is too small for requested image." })
  if (flavor.disk === 0) {
    if (!context.allows('os_compute_api:servers:create:zero_disk_flavor'))
      throw LimitExceeded({ message: 'Only volume-backed servers are allowed for flavors with zero disk.' })
    return
  }
  const sizeBytes = image.virtual_size_bytes ?? image.size_bytes ?? 0
  if (sizeBytes > flavor.disk * GIB) {
    throw InvalidRequest({
      message: `Flavor's disk is too small for requested image. Flavor disk is ${flavor.disk * GIB} bytes, image is ${sizeBytes} bytes.`,
    })
  }
  if (image.min_disk_gib > flavor.disk) {
    throw InvalidRequest({
      message: `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.disk * GIB} bytes, minimum size is ${image.min_disk_gib * GIB} bytes.`,
    })
  }
}

async function checkMetadata(
  { state }: ComputeDependencies,
  projectId: string,
  metadata: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  if (metadata === undefined || Object.keys(metadata).length === 0) return
  checkMetadataCount(metadata, (await limitsOf(state, projectId)).metadata_items)
}

/** @throws LimitExceeded; -1 is unlimited */
export function checkMetadataCount(metadata: Readonly<Record<string, string>>, allowed: number): void {
  if (allowed === -1 || Object.keys(metadata).length <= allowed) return
  throw LimitExceeded({ message: `Maximum number of metadata items exceeds ${allowed}` })
}

async function requestedKeypair(
  { state }: ComputeDependencies,
  { authorization: { userId } }: RequestContext,
  name: string | undefined,
): Promise<ServerPlan['keypair']> {
  if (name === undefined) return undefined
  try {
    const { public_key: publicKey } = await findKeypair(state, { userId, name })
    return { name, publicKey }
  } catch (error) {
    if (!KeypairNotFound.is(error)) throw error
    throw InvalidRequest({ message: 'Invalid key_name provided.' }, { cause: error })
  }
}
