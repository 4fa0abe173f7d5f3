/** Flavors: what sizes of server there are. They belong to the whole cloud, which names them uniquely. */

import { isAdministrator } from '@atoll/http'
import type { Random } from '@atoll/kit'
import { mintId } from '@atoll/kit'
import type { Patch, Reader, State } from '@atoll/state'
import { Conflict, FlavorNotFound } from '../errors.ts'
import { flavors } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import type { FlavorRow } from './view.ts'

export interface NewFlavor {
  readonly flavorId: string | undefined
  readonly name: string
  readonly description: string | null
  readonly vcpus: number
  readonly ramMib: number
  readonly diskGib: number
  readonly ephemeralGib: number
  readonly swapMib: number
  readonly rxtxFactor: number
  readonly isPublic: boolean
}

/** The flavor that clients know as `flavorId`. @throws FlavorNotFound when there is none or it is not for the bearer */
export async function findFlavor(
  reader: Reader,
  context: RequestContext,
  flavorId: string,
): Promise<FlavorRow> {
  const flavor = await reader
    .select(context.scope, flavors)
    .selectAll()
    .where('flavor_id', '=', flavorId)
    .executeTakeFirst()
  if (!flavor || !mayUse(context, flavor)) throw FlavorNotFound({ id: flavorId })
  return flavor
}

/** Those the bearer may use, ordered by id. `isPublic` is an administrator's filter; null means both kinds. */
export async function listFlavors(
  state: State,
  context: RequestContext,
  isPublic: boolean | null,
): Promise<FlavorRow[]> {
  const rows = await state.select(context.scope, flavors).selectAll().orderBy('flavor_id').execute()
  if (isAdministrator(context.authorization))
    return rows.filter((flavor) => isPublic === null || flavor.is_public === isPublic)
  return rows.filter((flavor) => mayUse(context, flavor))
}

/** @throws Conflict when the name or the id is taken */
export async function createFlavor(
  { state, random }: { state: State; random: Random },
  context: RequestContext,
  flavor: NewFlavor,
): Promise<FlavorRow> {
  const flavorId = flavor.flavorId ?? mintId(random, state.site.code)
  return state.transaction(async (transaction) => {
    const sameName = await transaction
      .select(context.scope, flavors)
      .select('id')
      .where('name', '=', flavor.name)
      .executeTakeFirst()
    if (sameName) throw Conflict({ message: `Flavor with name ${flavor.name} already exists.` })
    const sameId = await transaction
      .select(context.scope, flavors)
      .select('id')
      .where('flavor_id', '=', flavorId)
      .executeTakeFirst()
    if (sameId) throw Conflict({ message: `Flavor with ID ${flavorId} already exists.` })
    return transaction.insert(flavors, {
      flavor_id: flavorId,
      name: flavor.name,
      description: flavor.description,
      vcpus: flavor.vcpus,
      ram_mib: flavor.ramMib,
      disk_gib: flavor.diskGib,
      ephemeral_gib: flavor.ephemeralGib,
      swap_mib: flavor.swapMib,
      rxtx_factor: flavor.rxtxFactor,
      is_public: flavor.isPublic,
      extra_specs: {},
      access_project_ids: [],
    })
  })
}

/** Changes a flavor by what `change` makes of its latest state. @throws FlavorNotFound, and what `change` throws */
export function changeFlavor(
  state: State,
  context: RequestContext,
  { flavorId, change }: { flavorId: string; change: (flavor: FlavorRow) => Patch<typeof flavors> },
): Promise<FlavorRow> {
  return state.transaction(async (transaction) => {
    const flavor = await findFlavor(transaction, context, flavorId)
    return transaction.update(flavors, flavor.id, change(flavor))
  })
}

export async function deleteFlavor(state: State, context: RequestContext, flavorId: string): Promise<void> {
  await state.transaction(async (transaction) => {
    const flavor = await findFlavor(transaction, context, flavorId)
    await transaction.remove(flavors, flavor.id)
  })
}

function mayUse({ authorization }: RequestContext, flavor: FlavorRow): boolean {
  if (flavor.is_public || isAdministrator(authorization)) return true
  return authorization.projectId !== null && flavor.access_project_ids.includes(authorization.projectId)
}
