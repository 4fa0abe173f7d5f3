/** Tags of networks, subnets and ports: Neutron's standard-attr-tag. */

import { type Api, type Endpoint, endpoint, NotFound, type Writes } from '@atoll/http'
import type { ErrorFactory } from '@atoll/kit'
import type { AnyRecord, RecordTable, State } from '@atoll/state'
import { Type } from 'typebox'
import { InvalidInput } from '../errors.ts'
import type { AnyContext, Attribute } from './resource.ts'

const TAGS_MAX = 50
const Tag = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^,/]*$' })
const Tags = Type.Object({ tags: Type.Array(Tag, { maxItems: TAGS_MAX }) }, { additionalProperties: false })

interface Tagged {
  readonly tags: readonly string[]
}

const split = (values: readonly string[]) => values.flatMap((value) => value.split(','))
const hasAll = (row: Tagged, values: readonly string[]) =>
  split(values).every((tag) => row.tags.includes(tag))
const hasAny = (row: Tagged, values: readonly string[]) => split(values).some((tag) => row.tags.includes(tag))

/** The filters by tag, each with a list that is comma-joined. */
export const tagAttributes: Readonly<Record<string, Attribute<Tagged>>> = {
  tags: { matches: hasAll },
  'tags-any': { matches: hasAny },
  'not-tags': { matches: (row, values) => !hasAll(row, values) },
  'not-tags-any': { matches: (row, values) => !hasAny(row, values) },
}

interface Tagging {
  readonly singular: string
  readonly plural: string
  readonly table: RecordTable
  readonly notFound: ErrorFactory<{ id: string }>
}

export function tagEndpoints(state: State, { singular, plural, table, notFound }: Tagging): Api['endpoints'] {
  const path = `/v2.0/${plural}/:id/tags`
  const idOf = ({ params }: AnyContext) => params.id ?? ''
  const tagOf = ({ params }: AnyContext) => params.tag ?? ''
  const writes = (context: AnyContext): Writes => ({ kind: 'record', table: table.name, id: idOf(context) })
  const read = async (context: AnyContext): Promise<readonly string[]> => {
    const row = await state.find(context.scope, table, idOf(context))
    if (!row) throw notFound({ id: idOf(context) })
    return (row as AnyRecord & Tagged).tags
  }
  const change = (context: AnyContext, next: (tags: readonly string[]) => readonly string[]) =>
    state.transaction(async (transaction) => {
      const row = await transaction.find(context.scope, table, idOf(context))
      if (!row) throw notFound({ id: idOf(context) })
      context.authorize(`update_${singular}`, { project_id: row.project_id })
      const tags = [...new Set(next((row as AnyRecord & Tagged).tags))]
      if (tags.length > TAGS_MAX) throw InvalidInput({ reason: `at most ${TAGS_MAX} tags` })
      await transaction.update(table, row.id, { tags } as object)
      return tags
    })
  const write = (definition: Pick<Endpoint, 'method' | 'path' | 'status' | 'handle'>): Endpoint =>
    endpoint({ ...definition, rule: `update_${singular}`, writes })

  return [
    endpoint({
      method: 'GET',
      path,
      rule: `get_${singular}`,
      handle: async (context) => ({ tags: await read(context) }),
    }),
    endpoint({
      method: 'GET',
      path: `${path}/:tag`,
      rule: `get_${singular}`,
      status: 204,
      handle: async (context) => {
        if (!(await read(context)).includes(tagOf(context))) throw NotFound({})
        return undefined
      },
    }),
    endpoint({
      method: 'PUT',
      path,
      rule: `update_${singular}`,
      writes,
      body: Tags,
      handle: async (context) => ({ tags: await change(context, () => context.body.tags) }),
    }),
    write({
      method: 'PUT',
      path: `${path}/:tag`,
      status: 201,
      handle: async (context) => {
        const tag = tagOf(context)
        if (tag === '' || tag.length > 255 || /[,/]/.test(tag))
          throw InvalidInput({ reason: 'not a valid tag' })
        await change(context, (tags) => [...tags, tag])
        return undefined
      },
    }),
    write({
      method: 'DELETE',
      path: `${path}/:tag`,
      status: 204,
      handle: async (context) => {
        await change(context, (tags) => {
          if (!tags.includes(tagOf(context))) throw NotFound({})
          return tags.filter((tag) => tag !== tagOf(context))
        })
        return undefined
      },
    }),
    write({
      method: 'DELETE',
      path,
      status: 204,
      handle: async (context) => {
        await change(context, () => [])
        return undefined
      },
    }),
  ]
}
