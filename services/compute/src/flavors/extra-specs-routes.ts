/** `/flavors/{id}/os-extra_specs`: what a flavor asks of its host beyond size. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, NotOffered } from '../errors.ts'
import { closed } from '../schemas.ts'
import { changeFlavor, findFlavor } from './app.ts'

const specs = Type.Unsafe<Record<string, string | number>>({
  type: 'object',
  patternProperties: { '^[a-zA-Z0-9-_:. ]{1,255}$': { type: ['string', 'number'], maxLength: 255 } },
  additionalProperties: false,
})
const path = '/flavors/:flavor_id/os-extra_specs'
const rule = (action: string) => `os_compute_api:os-flavor-extra-specs:${action}`
const writes = () => ({ kind: 'cloud' }) as const

export function extraSpecEndpoints({ state }: ComputeDependencies): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      rule: rule('index'),
      handle: async (context) => {
        const { extra_specs } = await findFlavor(state, context, context.params.flavor_id ?? '')
        return { extra_specs }
      },
    }),
    endpoint({
      method: 'POST',
      path,
      rule: rule('create'),
      body: closed({ extra_specs: specs }),
      writes,
      handle: async (context) => {
        const added = asTexts(context.body.extra_specs)
        await changeFlavor(state, context, {
          flavorId: context.params.flavor_id ?? '',
          change: ({ extra_specs }) => ({ extra_specs: { ...extra_specs, ...added } }),
        })
        return { extra_specs: added }
      },
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:key`,
      rule: rule('show'),
      handle: async (context) => {
        const { flavor_id: flavorId = '', key = '' } = context.params
        const { extra_specs } = await findFlavor(state, context, flavorId)
        return { [key]: specOf(extra_specs, { flavorId, key }) }
      },
    }),
    endpoint({
      method: 'PUT',
      path: `${path}/:key`,
      rule: rule('update'),
      body: Type.Intersect([specs, Type.Unsafe({ minProperties: 1, maxProperties: 1 })]),
      writes,
      handle: async (context) => {
        const { flavor_id: flavorId = '', key = '' } = context.params
        const changed = asTexts(context.body as Record<string, string | number>)
        if (!Object.hasOwn(changed, key)) throw InvalidRequest({ message: 'Request body and URI mismatch' })
        await changeFlavor(state, context, {
          flavorId,
          change: ({ extra_specs }) => ({ extra_specs: { ...extra_specs, ...changed } }),
        })
        return changed
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:key`,
      rule: rule('delete'),
      writes,
      handle: async (context) => {
        const { flavor_id: flavorId = '', key = '' } = context.params
        await changeFlavor(state, context, {
          flavorId,
          change: ({ extra_specs }) => {
            specOf(extra_specs, { flavorId, key })
            const { [key]: _, ...rest } = extra_specs
            return { extra_specs: rest }
          },
        })
        return undefined
      },
    }),
  ]
}

function asTexts(values: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]))
}

function specOf(
  specs: Readonly<Record<string, string>>,
  { flavorId, key }: { flavorId: string; key: string },
): string {
  const value = Object.hasOwn(specs, key) ? specs[key] : undefined
  if (value !== undefined) return value
  throw NotOffered({ message: `Flavor ${flavorId} has no extra specs with key ${key}.` })
}
