/** `/servers/{id}/tags`, since 2.26. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidRequest, NotOffered } from '../errors.ts'
import { servers } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { closed, tag } from '../schemas.ts'
import { findServer, writesServer } from './find.ts'
import { checkState } from './states.ts'

const TAGS_MAX = 50
const since = '2.26'
const path = '/servers/:server_id/tags'
const rule = (action: string) => `os_compute_api:os-server-tags:${action}`

export function tagEndpoints({ state }: ComputeDependencies): Endpoint[] {
  const change = (
    context: RequestContext,
    action: string,
    next: (current: readonly string[]) => readonly string[],
  ) =>
    state.transaction(async (transaction) => {
      const server = await findServer(transaction, context)
      checkState(server, { action, vmStates: ['active', 'stopped'] })
      const tags = next(server.tags)
      if (tags !== server.tags) await transaction.update(servers, server.id, { tags })
      return { tags, isNew: tags !== server.tags }
    })
  return [
    endpoint({
      method: 'GET',
      path,
      since,
      rule: rule('index'),
      handle: async (context) => ({ tags: (await findServer(state, context)).tags }),
    }),
    endpoint({
      method: 'PUT',
      path,
      since,
      rule: rule('update_all'),
      body: closed({ tags: Type.Array(tag, { maxItems: TAGS_MAX }) }),
      writes: writesServer,
      handle: async (context) => {
        const { tags } = await change(context, 'update tags', () => [...new Set(context.body.tags)])
        return { tags }
      },
    }),
    endpoint({
      method: 'DELETE',
      path,
      since,
      rule: rule('delete_all'),
      status: 204,
      writes: writesServer,
      handle: async (context) => {
        await change(context, 'delete tags', () => [])
        return undefined
      },
    }),
    ...oneTagEndpoints({ state }, change),
  ]
}

type Change = (
  context: RequestContext,
  action: string,
  next: (current: readonly string[]) => readonly string[],
) => Promise<{ readonly isNew: boolean }>

function oneTagEndpoints({ state }: Pick<ComputeDependencies, 'state'>, change: Change): Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: `${path}/:tag`,
      since,
      rule: rule('show'),
      status: 204,
      handle: async (context) => {
        const server = await findServer(state, context)
        checkHas(server.tags, context)
        return undefined
      },
    }),
    endpoint({
      method: 'PUT',
      path: `${path}/:tag`,
      since,
      rule: rule('update'),
      status: 201,
      writes: writesServer,
      handle: async (context) => {
        const added = context.params.tag ?? ''
        const { isNew } = await change(context, 'update tag', (current) => withTag(current, added))
        if (!isNew) context.setStatus(204)
        else context.setHeader('location', `${context.baseUrl}${context.path}`)
        return undefined
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:tag`,
      since,
      rule: rule('delete'),
      status: 204,
      writes: writesServer,
      handle: async (context) => {
        await change(context, 'delete tag', (current) => {
          checkHas(current, context)
          return current.filter((other) => other !== context.params.tag)
        })
        return undefined
      },
    }),
  ]
}

function withTag(current: readonly string[], added: string): readonly string[] {
  if (added.length === 0 || added.length > 60 || /[,/]/.test(added)) {
    throw InvalidRequest({
      message: `Tag '${added.slice(0, 64)}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: at most 60 characters`,
    })
  }
  if (current.includes(added)) return current
  if (current.length >= TAGS_MAX) {
    throw InvalidRequest({ message: `The number of tags exceeded the per-server limit ${TAGS_MAX}` })
  }
  return [...current, added]
}

function checkHas(tags: readonly string[], { params }: RequestContext): void {
  const { server_id = '', tag: wanted = '' } = params
  if (tags.includes(wanted)) return
  throw NotOffered({ message: `Server ${server_id} has no tag '${wanted.slice(0, 64)}'` })
}
