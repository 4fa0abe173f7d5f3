/** `/servers`: create, list, show, update, delete, act. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { needsOf } from '../hosts/claim.ts'
import type { HostInventory } from '../hosts/host-inventory.ts'
import { linksOf, nextLink } from '../links.ts'
import type { RequestContext } from '../request-context.ts'
import { isTrue } from '../schemas.ts'
import { byVersion, isSince } from '../versions.ts'
import { deleteServer, performAction } from './actions.ts'
import { createServers, recordUnschedulable } from './create.ts'
import { CREATE_STEPS, type CreateBody, createBodySince } from './create-schema.ts'
import { findServer, writesServer } from './find.ts'
import { listServers } from './list.ts'
import { LIST_STEPS, listQuerySince } from './list-schema.ts'
import { destinationOf, embeddedFlavor, planServer, requestedFlavor } from './plan.ts'
import type { ServerRow } from './status.ts'
import { UPDATE_STEPS, updateBodySince, updateServer } from './update.ts'
import {
  createdView,
  type ServerSurroundings,
  serverDetail,
  serverGroups,
  serverSummary,
  serverView,
} from './view.ts'

const rule = (action: string) => `os_compute_api:servers:${action}`

export function serverEndpoints(dependencies: ComputeDependencies, inventory: HostInventory): Endpoint[] {
  const { state } = dependencies
  const surroundings = surroundingsOf(dependencies, inventory)
  return [
    ...listEndpoints(dependencies, surroundings),
    ...createEndpoints(dependencies, inventory),
    endpoint({
      method: 'GET',
      path: '/servers/:server_id',
      rule: rule('show'),
      handle: async (context) => {
        const server = await findServer(state, context)
        const around = await surroundings([server])
        return { server: { ...serverDetail(context, server, around), ...serverGroups(context) } }
      },
    }),
    ...byVersion(UPDATE_STEPS, (has) =>
      endpoint({
        method: 'PUT',
        path: '/servers/:server_id',
        rule: rule('update'),
        body: updateBodySince(has),
        writes: writesServer,
        handle: async (context) => {
          const server = await updateServer(state, context)
          const view = isSince(context, '2.75') ? serverDetail : serverView
          return {
            server: { ...view(context, server, await surroundings([server])), ...serverGroups(context) },
          }
        },
      }),
    ),
    endpoint({
      method: 'DELETE',
      path: '/servers/:server_id',
      rule: rule('delete'),
      status: 204,
      writes: writesServer,
      handle: (context) => deleteServer(dependencies, context),
    }),
    endpoint({
      method: 'POST',
      path: '/servers/:server_id/action',
      // Every action has a rule of its own, which is asked for before the server is looked for.
      rule: 'project_reader_or_admin',
      status: 202,
      body: Type.Unsafe<object>({ type: 'object', minProperties: 1 }),
      writes: writesServer,
      handle: (context) => performAction(dependencies, context),
    }),
  ]
}

type Surroundings = (page: readonly ServerRow[]) => Promise<ServerSurroundings>

// A guest that is still being built shows no address, so nobody need look for one.
function surroundingsOf(
  { state, network, freshness }: ComputeDependencies,
  inventory: HostInventory,
): Surroundings {
  return async (page) => {
    await inventory.ready()
    const ids = page.flatMap(({ id, vm_state, port_ids }) =>
      vm_state === 'building' || port_ids.length === 0 ? [] : [id],
    )
    const interfaces = ids.length === 0 ? new Map() : await network.interfacesOf(state, ids)
    return { interfaces, inventory, freshness }
  }
}

function listEndpoints(dependencies: ComputeDependencies, surroundings: Surroundings): Endpoint[] {
  return byVersion(LIST_STEPS, (has) =>
    endpoint({
      method: 'GET',
      path: '/servers',
      rule: rule('index'),
      query: listQuerySince(has),
      handle: async (context) => {
        const { rows, next } = await listServers(dependencies, context, false)
        const links = next === undefined ? {} : { servers_links: nextLink(context, next) }
        return { servers: rows.map((server) => serverSummary(context, server)), ...links }
      },
    }),
  ).concat(
    byVersion(LIST_STEPS, (has) =>
      endpoint({
        method: 'GET',
        path: '/servers/detail',
        rule: rule('detail'),
        query: listQuerySince(has),
        handle: async (context) => {
          const { rows, next } = await listServers(dependencies, context, true)
          const around = await surroundings(rows)
          const links = next === undefined ? {} : { servers_links: nextLink(context, next) }
          return { servers: rows.map((server) => serverDetail(context, server, around)), ...links }
        },
      }),
    ),
  )
}

function createEndpoints(dependencies: ComputeDependencies, inventory: HostInventory): Endpoint[] {
  const creating = async (context: RequestContext) => {
    await inventory.ready()
    return { dependencies, inventory, context, plan: await planServer(dependencies, inventory, context) }
  }
  return byVersion(CREATE_STEPS, (has) =>
    endpoint({
      method: 'POST',
      path: '/servers',
      rule: rule('create'),
      status: 202,
      body: createBodySince(has),
      writes: async (context) => {
        const flavor = embeddedFlavor(await requestedFlavor(dependencies, context))
        return { kind: 'workload', availabilityZone: destinationOf(context).zone, needs: needsOf(flavor) }
      },
      handle: async (context) => answer(context, await createServers(await creating(context))),
      handleNoRoom: async (context) => answer(context, await recordUnschedulable(await creating(context))),
    }),
  )
}

function answer(context: RequestContext, [first]: readonly ServerRow[]): object | undefined {
  if (!first) return undefined
  const { server } = context.body as CreateBody
  if (isTrue(server.return_reservation_id)) return { reservation_id: first.reservation_id }
  const [self] = linksOf(context, 'servers', first.id)
  if (self) context.setHeader('location', self.href)
  return { server: createdView(context, first) }
}
