/** Which projects may use a flavor that is not public. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { Conflict, InvalidRequest, NotOffered } from '../errors.ts'
import { closed } from '../schemas.ts'
import { isSince } from '../versions.ts'
import { changeFlavor, findFlavor } from './app.ts'
import type { FlavorRow } from './view.ts'

const tenant = closed({ tenant: Type.String({ minLength: 1, maxLength: 255, pattern: '^[a-zA-Z0-9-]*$' }) })

export function flavorAccessEndpoints({ state }: ComputeDependencies): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/flavors/:flavor_id/os-flavor-access',
      rule: 'os_compute_api:os-flavor-access',
      handle: async (context) => {
        const flavor = await findFlavor(state, context, context.params.flavor_id ?? '')
        if (flavor.is_public) throw NotOffered({ message: 'Access list not available for public flavors.' })
        return accessView(flavor)
      },
    }),
    endpoint({
      method: 'POST',
      path: '/flavors/:flavor_id/action',
      rule: 'os_compute_api:os-flavor-access:add_tenant_access',
      body: Type.Unsafe<{ addTenantAccess?: { tenant: string }; removeTenantAccess?: { tenant: string } }>({
        type: 'object',
        properties: { addTenantAccess: tenant, removeTenantAccess: tenant },
        maxProperties: 1,
      }),
      writes: () => ({ kind: 'cloud' }),
      handle: async (context) => {
        const { addTenantAccess, removeTenantAccess } = context.body
        const flavorId = context.params.flavor_id ?? ''
        const change = addTenantAccess
          ? (flavor: FlavorRow) => withAccess(flavor, addTenantAccess.tenant, isSince(context, '2.7'))
          : removeTenantAccess && ((flavor: FlavorRow) => withoutAccess(flavor, removeTenantAccess.tenant))
        if (!change) throw unknownAction(context.body)
        if (removeTenantAccess) context.authorize('os_compute_api:os-flavor-access:remove_tenant_access')
        return accessView(await changeFlavor(state, context, { flavorId, change }))
      },
    }),
  ]
}

/** The error for an action that is not offered, in Nova's words. */
export function unknownAction(body: unknown) {
  const [action = ''] = Object.keys(Object(body))
  return InvalidRequest({ message: `There is no such action: ${action.slice(0, 255)}` })
}

function withAccess(flavor: FlavorRow, projectId: string, refusesPublic: boolean) {
  if (refusesPublic && flavor.is_public) throw Conflict({ message: 'Can not add access to a public flavor.' })
  const { access_project_ids, flavor_id } = flavor
  if (access_project_ids.includes(projectId)) {
    throw Conflict({
      message: `Flavor access already exists for flavor ${flavor_id} and project ${projectId} combination.`,
    })
  }
  return { access_project_ids: [...access_project_ids, projectId] }
}

function withoutAccess({ access_project_ids, flavor_id }: FlavorRow, projectId: string) {
  if (!access_project_ids.includes(projectId)) {
    throw NotOffered({ message: `Flavor access not found for ${flavor_id} / ${projectId} combination.` })
  }
  return { access_project_ids: access_project_ids.filter((id) => id !== projectId) }
}

function accessView({ flavor_id, access_project_ids }: FlavorRow) {
  return { flavor_access: access_project_ids.map((tenant_id) => ({ flavor_id, tenant_id })) }
}
