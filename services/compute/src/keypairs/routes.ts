/** `/os-keypairs`: a user's keys; administrators may name another user since 2.10. */

import { type Endpoint, endpoint } from '@atoll/http'
import { type Static, Type } from 'typebox'
import type { ComputeDependencies } from '../dependencies.ts'
import { InvalidKeypair, MarkerNotFound } from '../errors.ts'
import { integerIdOf } from '../integer-id.ts'
import { nextLink } from '../links.ts'
import type { RequestContext } from '../request-context.ts'
import { closed, last, pageLimit, pagingParameters, textParameter } from '../schemas.ts'
import { naiveTime } from '../times.ts'
import { byVersion, isSince } from '../versions.ts'
import { deleteKeypair, findKeypair, importKeypair, type KeypairRow, listKeypairs } from './app.ts'
import { makeKeyPair } from './openssh.ts'

const rule = (action: string) => `os_compute_api:os-keypairs:${action}`

const userQuery = (has: (version: string) => boolean) =>
  Type.Object(has('2.10') ? { user_id: textParameter } : {}, { additionalProperties: !has('2.75') })
const listQuery = (has: (version: string) => boolean) =>
  Type.Object(
    { ...(has('2.10') && { user_id: textParameter }), ...(has('2.35') && pagingParameters) },
    { additionalProperties: !has('2.75') },
  )

const keypairName = Type.String({ minLength: 1, maxLength: 255, pattern: '^(?! )[_\\- a-zA-Z0-9]+(?<! )$' })
const kind = Type.Unsafe<'ssh' | 'x509'>({ type: 'string', enum: ['ssh', 'x509'] })
const publicKey = Type.String({ maxLength: 65_535 })
const newKeypair = Type.Object({
  keypair: Type.Object({
    name: keypairName,
    public_key: Type.Optional(publicKey),
    type: Type.Optional(kind),
    user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  }),
})
type NewKeypair = Static<typeof newKeypair>

const newKeypairSince = (has: (version: string) => boolean) => {
  const { name, public_key, type, user_id } = newKeypair.properties.keypair.properties
  const properties = { name, public_key, ...(has('2.2') && { type }), ...(has('2.10') && { user_id }) }
  return Type.Unsafe<NewKeypair>(closed({ keypair: closed(properties) }))
}

export function keypairEndpoints(dependencies: ComputeDependencies): Endpoint[] {
  const { state } = dependencies
  const listSteps = ['2.1', '2.10', '2.35', '2.75']
  const steps = ['2.1', '2.10', '2.75']
  return [
    ...byVersion(listSteps, (has) =>
      endpoint({
        method: 'GET',
        path: '/os-keypairs',
        rule: rule('index'),
        query: listQuery(has),
        handle: async (context) => listPage(await listKeypairs(state, userOf(context, 'index')), context),
      }),
    ),
    ...byVersion(['2.1', '2.2', '2.10'], (has) =>
      endpoint({
        method: 'POST',
        path: '/os-keypairs',
        rule: rule('create'),
        body: newKeypairSince(has),
        status: has('2.2') ? 201 : 200,
        writes: (context) => ({ kind: 'record', table: 'users', id: ownerOf(context) }),
        handle: (context) => createKeypair(dependencies, context),
      }),
    ),
    ...byVersion(steps, (has) =>
      endpoint({
        method: 'GET',
        path: '/os-keypairs/:name',
        rule: rule('show'),
        query: userQuery(has),
        handle: async (context) => {
          const named = { userId: userOf(context, 'show'), name: context.params.name ?? '' }
          return { keypair: detailView(context, await findKeypair(state, named)) }
        },
      }),
    ),
    ...byVersion(['2.1', '2.2', '2.10', '2.75'], (has) =>
      endpoint({
        method: 'DELETE',
        path: '/os-keypairs/:name',
        rule: rule('delete'),
        query: userQuery(has),
        status: has('2.2') ? 204 : 202,
        writes: (context) => ({ kind: 'record', table: 'users', id: userOf(context, 'delete') }),
        handle: (context) =>
          deleteKeypair(state, { userId: userOf(context, 'delete'), name: context.params.name ?? '' }),
      }),
    ),
  ]
}

async function createKeypair({ state, random }: ComputeDependencies, context: RequestContext) {
  const { keypair } = context.body as NewKeypair
  const userId = ownerOf(context)
  const type = keypair.type ?? 'ssh'
  const isGenerated = keypair.public_key === undefined
  if (isGenerated && type === 'x509') {
    throw InvalidKeypair({ reason: 'certificates are imported, not made here: send one as public_key' })
  }
  const made = isGenerated ? await makeKeyPair(random, 'Generated-by-Nova') : undefined
  const row = await importKeypair(state, {
    userId,
    name: keypair.name,
    kind: type,
    publicKey: made?.publicKey ?? keypair.public_key ?? '',
  })
  const privateKey = made && { private_key: made.privateKey }
  return { keypair: { ...summaryView(context, row), user_id: row.user_id, ...privateKey } }
}

// The policy is asked for the user whose keys are meant, not for the bearer.
function userOf(context: RequestContext, action: string): string {
  const asked = isSince(context, '2.10')
    ? last((context.query as { user_id?: readonly string[] }).user_id)
    : undefined
  const userId = asked ?? context.authorization.userId
  context.authorize(rule(action), { user_id: userId })
  return userId
}

function ownerOf(context: RequestContext): string {
  const userId = (context.body as NewKeypair).keypair.user_id ?? context.authorization.userId
  context.authorize(rule('create'), { user_id: userId })
  return userId
}

function listPage(all: readonly KeypairRow[], context: RequestContext) {
  const query = context.query as { limit?: readonly string[]; marker?: readonly string[] }
  const marker = isSince(context, '2.35') ? last(query.marker) : undefined
  const markerIndex = all.findIndex(({ name }) => name === marker)
  if (marker !== undefined && markerIndex < 0) throw MarkerNotFound({ marker })
  const limit = isSince(context, '2.35') ? pageLimit(query.limit) : all.length
  const rows = all.slice(markerIndex + 1, markerIndex + 1 + limit)
  const lastName = rows.at(-1)?.name
  const hasLink = isSince(context, '2.35') && rows.length === limit
  return {
    keypairs: rows.map((row) => ({ keypair: summaryView(context, row) })),
    ...(hasLink && lastName !== undefined && { keypairs_links: nextLink(context, lastName) }),
  }
}

function summaryView(context: RequestContext, { name, public_key, fingerprint, kind: type }: KeypairRow) {
  return { name, public_key, fingerprint, ...(isSince(context, '2.2') && { type }) }
}

function detailView(context: RequestContext, row: KeypairRow) {
  return {
    ...summaryView(context, row),
    user_id: row.user_id,
    id: integerIdOf(row.id),
    created_at: naiveTime(row.created_at),
    updated_at: null,
    deleted: false,
    deleted_at: null,
  }
}
