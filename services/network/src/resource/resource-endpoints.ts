/** The five endpoints that every resource has: list, show, create (one or many), update, delete. */

import { type Api, type Endpoint, endpoint, type Writes } from '@atoll/http'
import type { AnyRecord, RecordTable, State } from '@atoll/state'
import { type TObject, Type } from 'typebox'
import { asNetworkError } from '../as-network-error.ts'
import { listRows } from './list-rows.ts'
import { parseCreate, parseUpdate } from './parse-body.ts'
import type { AnyContext, Resource } from './resource.ts'

// The envelope alone; what is inside is read by `parse-body`, whose refusals have Neutron's words.
const Envelope = Type.Object({})

export function resourceEndpoints<T extends RecordTable, Create extends TObject, Update extends TObject>(
  state: State,
  resource: Resource<T, Create, Update>,
): Api['endpoints'] {
  const { singular, plural, table, notFound } = resource
  const path = `/v2.0/${plural}`
  const idOf = ({ params }: AnyContext) => params.id ?? ''
  const writesThis = (context: AnyContext): Writes => ({
    kind: 'record',
    table: table.name,
    id: idOf(context),
  })
  const viewOne = async (context: AnyContext, row: Parameters<typeof resource.view>[2][number]) => {
    const [view] = await resource.view(state, context, [row])
    return { [singular]: selectFields(context, view ?? {}) }
  }

  const list: Endpoint = endpoint({
    method: 'GET',
    path,
    rule: `get_${singular}`,
    handle: async (context) => {
      const found = await listRows(state, resource as never as Resource<T, TObject, TObject>, context)
      const views = await resource.view(state, context, found.rows)
      return {
        [plural]: views.map((view) => selectFields(context, view)),
        ...(found.links.length > 0 && { [`${plural}_links`]: found.links }),
      }
    },
  })
  const show: Endpoint = endpoint({
    method: 'GET',
    path: `${path}/:id`,
    rule: `get_${singular}`,
    handle: async (context) => {
      const row = await state.find(context.scope, table, idOf(context))
      if (!row) throw notFound({ id: idOf(context) })
      return viewOne(context, row)
    },
  })
  const create: Endpoint = endpoint({
    method: 'POST',
    path,
    rule: `create_${singular}`,
    status: 201,
    body: Envelope,
    writes: ({ body }) => resource.writesOnCreate?.(parseCreate(resource, body).bodies),
    handle: async (context) => {
      const { isBulk, bodies } = parseCreate(resource, context.body)
      const rows = await committed(state, (transaction) =>
        inOrder(bodies, (body) => resource.create(transaction, context, body)),
      )
      const views = await resource.view(state, context, rows)
      return isBulk ? { [plural]: views } : { [singular]: views[0] }
    },
  })
  const update: Endpoint = endpoint({
    method: 'PUT',
    path: `${path}/:id`,
    rule: `update_${singular}`,
    body: Envelope,
    writes: writesThis,
    handle: async (context) => {
      const body = parseUpdate(resource, context.body)
      const row = await committed(state, async (transaction) => {
        const current = await transaction.find(context.scope, table, idOf(context))
        if (!current) throw notFound({ id: idOf(context) })
        context.authorize(`update_${singular}`, targetOf(current))
        return resource.update(transaction, context, current, body)
      })
      return viewOne(context, row)
    },
  })
  const remove: Endpoint = endpoint({
    method: 'DELETE',
    path: `${path}/:id`,
    rule: `delete_${singular}`,
    status: 204,
    writes: writesThis,
    handle: async (context) => {
      await committed(state, async (transaction) => {
        const current = await transaction.find(context.scope, table, idOf(context))
        if (!current) throw notFound({ id: idOf(context) })
        context.authorize(`delete_${singular}`, targetOf(current))
        await resource.remove(transaction, context, current)
      })
      return undefined
    },
  })
  return [list, show, create, update, remove]
}

async function committed<Result>(
  state: State,
  work: Parameters<typeof state.transaction<Result>>[0],
): Promise<Result> {
  try {
    return await state.transaction(work)
  } catch (error) {
    throw await asNetworkError(state, error)
  }
}

const targetOf = (row: object) => ({ project_id: (row as AnyRecord).project_id })

async function inOrder<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** `fields=id&fields=name`: only those that were asked for. */
function selectFields({ query }: AnyContext, view: object): object {
  const fields = [(query as Record<string, string | string[] | undefined>).fields ?? []].flat()
  if (fields.length === 0) return view
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)))
}
