/** `/servers/{id}/metadata`: the owner's own words on a server, which its guest can read. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, NotOffered } from '../errors.ts'
import { limitsOf } from '../quotas/limits.ts'
import { servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { closed, metadata } from '../schemas.ts'
import { findServer, writesServer } from './find.ts'
import { checkMetadataCount } from './plan.ts'
import { checkState } from './states.ts'

type Metadata = Readonly<Record<string, string>>

const path = '/servers/:server_id/metadata'
const rule = (action: string) => `os_compute_api:server-metadata:${action}`
const oneItem = Type.Intersect([metadata, Type.Unsafe<object>({ minProperties: 1, maxProperties: 1 })])

export function metadataEndpoints({ state }: ComputeDependencies): Endpoint[] {
  const change = (context: RequestContext, action: string, next: (current: Metadata) => Metadata) =>
    state.transaction(async (transaction) => {
      const server = await findServer(transaction, context)
      checkState(server, { action, vmStates: ['active', 'stopped'] })
      const changed = next(server.metadata)
      const { metadata_items } = await limitsOf(transaction, server.project_id ?? '')
      checkMetadataCount(changed, metadata_items)
      await transaction.update(servers, server.id, { metadata: changed })
      return { metadata: changed }
    })
  return [
    endpoint({
      method: 'GET',
      path,
      rule: rule('index'),
      handle: async (context) => ({ metadata: (await findServer(state, context)).metadata }),
    }),
    endpoint({
      method: 'POST',
      path,
      rule: rule('create'),
      body: closed({ metadata }),
      writes: writesServer,
      handle: (context) =>
        change(context, 'update metadata', (current) => ({ ...current, ...context.body.metadata })),
    }),
    endpoint({
      method: 'PUT',
      path,
      rule: rule('update_all'),
      body: closed({ metadata }),
      writes: writesServer,
      handle: (context) => change(context, 'update metadata', () => context.body.metadata),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:key`,
      rule: rule('show'),
      handle: async (context) => {
        const key = context.params.key ?? ''
        return { meta: { [key]: itemOf((await findServer(state, context)).metadata, key) } }
      },
    }),
    endpoint({
      method: 'PUT',
      path: `${path}/:key`,
      rule: rule('update'),
      body: closed({ meta: oneItem }),
      writes: writesServer,
      handle: async (context) => {
        const meta = context.body.meta as Metadata
        if (!Object.hasOwn(meta, context.params.key ?? ''))
          throw InvalidRequest({ message: 'Request body and URI mismatch' })
        await change(context, 'update metadata', (current) => ({ ...current, ...meta }))
        return { meta }
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:key`,
      rule: rule('delete'),
      status: 204,
      writes: writesServer,
      handle: async (context) => {
        const key = context.params.key ?? ''
        await change(context, 'delete metadata', (current) => {
          itemOf(current, key)
          const { [key]: _, ...rest } = current
          return rest
        })
        return undefined
      },
    }),
  ]
}

function itemOf(current: Metadata, key: string): string {
  const value = Object.hasOwn(current, key) ? current[key] : undefined
  if (value === undefined) throw NotOffered({ message: 'Metadata item was not found' })
  return value
}
