/** Who may call what: a table over all endpoints, which fails when an endpoint has no case. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createNetworkApi } from './create-network-api.ts'
import { type Bearer, networkSite } from './testing/network-site.ts'

type Caller = Bearer | 'none'
type Statuses = Readonly<Record<Caller, number>>

const callers: readonly Caller[] = ['admin', 'member', 'reader', 'other', 'unscoped', 'none']

const open: Statuses = { admin: 200, member: 200, reader: 200, other: 200, unscoped: 200, none: 200 }
const list: Statuses = { admin: 200, member: 200, reader: 200, other: 200, unscoped: 403, none: 401 }
const show: Statuses = { admin: 200, member: 200, reader: 200, other: 404, unscoped: 403, none: 401 }
const change: Statuses = { admin: 200, member: 200, reader: 403, other: 404, unscoped: 403, none: 401 }
const as = (statuses: Statuses, success: number): Statuses =>
  Object.fromEntries(
    callers.map((caller) => [caller, statuses[caller] === 200 ? success : statuses[caller]]),
  ) as Statuses
const quota: Statuses = { admin: 200, member: 200, reader: 200, other: 403, unscoped: 403, none: 401 }

const resourceCases = (plural: string, create: Statuses): Readonly<Record<string, Statuses>> => ({
  [`GET /v2.0/${plural}`]: list,
  [`GET /v2.0/${plural}/:id`]: show,
  [`POST /v2.0/${plural}`]: create,
  [`PUT /v2.0/${plural}/:id`]: change,
  [`DELETE /v2.0/${plural}/:id`]: as(change, 204),
  [`GET /v2.0/${plural}/:id/tags`]: show,
  [`GET /v2.0/${plural}/:id/tags/:tag`]: as(show, 204),
  [`PUT /v2.0/${plural}/:id/tags`]: change,
  [`PUT /v2.0/${plural}/:id/tags/:tag`]: as(change, 201),
  [`DELETE /v2.0/${plural}/:id/tags/:tag`]: as(change, 204),
  [`DELETE /v2.0/${plural}/:id/tags`]: as(change, 204),
})

const cases: Readonly<Record<string, Statuses>> = {
  'GET /': open,
  'GET /v2.0': open,
  'GET /v2.0/': open,
  'GET /v2.0/extensions': list,
  'GET /v2.0/extensions/:alias': list,
  'GET /v2.0/quotas/:project_id': quota,
  'GET /v2.0/quotas/:project_id/default': quota,
  ...resourceCases('networks', { ...as(change, 201), other: 201 }),
  ...resourceCases('subnets', as(change, 201)),
  ...resourceCases('ports', as(change, 201)),
}

test('every endpoint has an authorization case, and every case an endpoint', async (t) => {
  const { state } = await networkSite(t)
  const endpoints = createNetworkApi({ state }).endpoints.map(({ method, path }) => `${method} ${path}`)
  assert.deepEqual(Object.keys(cases).sort(), [...endpoints].sort())
})

for (const [name, statuses] of Object.entries(cases)) {
  test(`${name} is answered to whom it may`, async (t) => {
    const answered: Record<string, number> = {}
    for (const bearer of callers) {
      const { call, path, body } = await preparedFor(t, name)
      answered[bearer] = (
        await call(name.split(' ')[0] ?? '', path, { bearer, ...(body && { body }) })
      ).statusCode
    }
    assert.deepEqual(answered, statuses)
  })
}

/** A network, a subnet and a port of `member`, each with the tag `t`, and a good request for the endpoint. */
async function preparedFor(t: Parameters<typeof networkSite>[0], name: string) {
  const site = await networkSite(t)
  const [method = '', template = ''] = name.split(' ')
  const { id: network_id = '' } = await site.make('/v2.0/networks', { network: {} })
  const ids: Record<string, string> = { networks: network_id }
  const subnet = { network_id, cidr: '10.0.0.0/24', enable_dhcp: false }
  ids.subnets = (await site.make('/v2.0/subnets', { subnet })).id ?? ''
  const plural = template.split('/')[2] ?? ''
  // Only an unused network and subnet can be deleted.
  if (method !== 'DELETE' || plural === 'ports') {
    ids.ports = (await site.make('/v2.0/ports', { port: { network_id } })).id ?? ''
  }
  if (ids[plural]) await site.call('PUT', `/v2.0/${plural}/${ids[plural]}/tags/t`)
  const path = template
    .replace(':id', ids[plural] ?? '')
    .replace(':tag', 't')
    .replace(':alias', 'provider')
    .replace(':project_id', 'p1')
  const bodies: Readonly<Record<string, object>> = {
    'POST /v2.0/networks': { network: {} },
    'POST /v2.0/subnets': { subnet: { network_id, cidr: '10.1.0.0/24' } },
    'POST /v2.0/ports': { port: { network_id } },
  }
  const singular = plural.slice(0, -1)
  const updated = template.endsWith('/tags') ? { tags: ['x'] } : { [singular]: { name: 'new' } }
  const body = method === 'PUT' && !template.endsWith('/:tag') ? updated : bodies[name]
  return { ...site, path, body }
}
