import assert from 'node:assert/strict'
import test from 'node:test'
import { createImageApi } from './create-image-api.ts'
import { openImages, type Person, type TestImages } from './testing.ts'

/** What each person gets, in this order: administrator, member of the owner's project, its reader, another's member, nobody in particular, no token. */
type Statuses = readonly [
  admin: number,
  owner: number,
  reader: number,
  other: number,
  unscoped: number,
  none: number,
]
const persons: readonly (Person | undefined)[] = ['admin', 'owner', 'reader', 'other', 'unscoped', undefined]

interface Case {
  readonly statuses: Statuses
  readonly body?: unknown
  readonly type?: string
  readonly arrange?: (world: TestImages, id: string) => Promise<unknown>
}

const open: Statuses = [200, 200, 200, 200, 200, 401]
const changes: Statuses = [204, 204, 403, 404, 403, 401]
const bytes = Buffer.from('bytes')
const share = (world: TestImages, id: string) =>
  world.call('owner', 'POST', `/v2/images/${id}/members`, { body: { member: 'p9' } })

const cases: Readonly<Record<string, Case>> = {
  'GET /': { statuses: [300, 300, 300, 300, 300, 300] },
  'GET /versions': { statuses: [200, 200, 200, 200, 200, 200] },
  'GET /v2/schemas/image': { statuses: open },
  'GET /v2/schemas/images': { statuses: open },
  'GET /v2/schemas/member': { statuses: open },
  'GET /v2/schemas/members': { statuses: open },
  'GET /v2/images': { statuses: [200, 200, 200, 200, 403, 401] },
  'POST /v2/images': { statuses: [201, 201, 403, 201, 403, 401], body: {} },
  'GET /v2/images/:image_id': { statuses: [200, 200, 200, 404, 404, 401] },
  'PATCH /v2/images/:image_id': {
    statuses: [200, 200, 403, 404, 403, 401],
    body: [{ op: 'replace', path: '/name', value: 'x' }],
    type: 'application/openstack-images-v2.1-json-patch',
  },
  'DELETE /v2/images/:image_id': { statuses: changes },
  'POST /v2/images/:image_id/actions/deactivate': {
    statuses: changes,
    arrange: (world, id) => world.upload(id, bytes),
  },
  'POST /v2/images/:image_id/actions/reactivate': {
    statuses: changes,
    arrange: (world, id) => world.upload(id, bytes),
  },
  'PUT /v2/images/:image_id/file': { statuses: changes, body: bytes },
  'GET /v2/images/:image_id/file': {
    statuses: [200, 200, 403, 404, 404, 401],
    arrange: (world, id) => world.upload(id, bytes),
  },
  'PUT /v2/images/:image_id/tags/:tag': { statuses: changes },
  'DELETE /v2/images/:image_id/tags/:tag': {
    statuses: changes,
    arrange: (world, id) => world.call('owner', 'PUT', `/v2/images/${id}/tags/t`),
  },
  'GET /v2/images/:image_id/members': { statuses: [200, 200, 200, 404, 404, 401] },
  'POST /v2/images/:image_id/members': { statuses: [200, 200, 403, 404, 403, 401], body: { member: 'p9' } },
  'GET /v2/images/:image_id/members/:member_id': { statuses: [200, 200, 200, 404, 404, 401], arrange: share },
  // Only the member itself may answer for it; that is tested beside the members.
  'PUT /v2/images/:image_id/members/:member_id': {
    statuses: [200, 403, 403, 404, 404, 401],
    body: { status: 'accepted' },
    arrange: share,
  },
  'DELETE /v2/images/:image_id/members/:member_id': { statuses: changes, arrange: share },
}

test('every endpoint has an authorization case, and no case is left over', async (t) => {
  const world = await openImages(t)
  const { endpoints } = createImageApi({ ...world, sourceOf: () => undefined })
  assert.deepEqual(endpoints.map(({ method, path }) => `${method} ${path}`).sort(), Object.keys(cases).sort())
})

for (const [endpoint, { statuses, body, type, arrange }] of Object.entries(cases)) {
  test(`who may ${endpoint}`, async (t) => {
    const world = await openImages(t)
    const [method = '', path = ''] = endpoint.split(' ')
    const seen: number[] = []
    for (const person of persons) {
      const id = await world.create()
      await arrange?.(world, id)
      const url = path.replace(':image_id', id).replace(':tag', 't').replace(':member_id', 'p9')
      const headers = type === undefined ? {} : { 'content-type': type }
      seen.push((await world.call(person, method, url, { body, headers })).status)
    }
    assert.deepEqual(seen, statuses)
  })
}
