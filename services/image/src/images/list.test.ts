import assert from 'node:assert/strict'
import test from 'node:test'
import { openImages, type Person, type TestImages } from '../testing.ts'

async function names({ call }: TestImages, query: string, person: Person = 'owner'): Promise<string> {
  const reply = await call(person, 'GET', `/v2/images${query}`)
  assert.equal(reply.status, 200, String(reply.bytes))
  return reply.json.images.map(({ name }) => name).join(' ')
}

test('filters and sort orders', async (t) => {
  const world = await openImages(t)
  const { create, upload } = world
  const small = await create({ name: 'a', tags: ['x', 'y'], own: '1' })
  await create({ name: 'b', disk_format: 'qcow2', tags: ['x'], os_hidden: true })
  await create({ name: 'c,d', visibility: 'private', protected: true, min_ram: 5 })
  await upload(small, Buffer.alloc(1000, 1))
  const table: readonly [query: string, names: string][] = [
    ['?sort=name:asc', 'a c,d'],
    ['?sort_key=name', 'c,d a'],
    ['?sort_key=name&sort_dir=asc', 'a c,d'],
    ['?sort_key=status&sort_key=name&sort_dir=asc&sort_dir=desc', 'a c,d'],
    ['?name=a', 'a'],
    ['?name=in:a,%22c,d%22&sort=name:asc', 'a c,d'],
    ['?status=active', 'a'],
    ['?visibility=private', 'c,d'],
    ['?owner=p2', ''],
    ['?os_hidden=True', 'b'],
    ['?os_hidden=true&disk_format=qcow2', 'b'],
    ['?disk_format=in:raw,vdi&container_format=bare&sort=name:asc', 'a c,d'],
    ['?tag=x&tag=y', 'a'],
    ['?tag=z', ''],
    ['?size_min=1000&size_max=1000', 'a'],
    ['?size_min=1001', ''],
    ['?protected=true', 'c,d'],
    ['?min_ram=5', 'c,d'],
    ['?own=1', 'a'],
    ['?own=2', ''],
    ['?created_at=gte:2020-01-01T00:00:00Z&sort=name:asc', 'a c,d'],
    ['?created_at=lt:2020-01-01T00:00:00', ''],
    [`?id=in:${small},x`, 'a'],
    ['?limit=0', ''],
  ]
  for (const [query, expected] of table) assert.equal(await names(world, query), expected, query)
})

const badQueries: readonly [query: string, message: RegExp][] = [
  ['limit=x', /limit param must be an integer/],
  ['limit=-1', /limit param must be positive/],
  ['marker=absent', /No image found with ID absent/],
  ['visibility=secret', /Invalid visibility value: secret/],
  ['member_status=maybe', /Invalid status: maybe/],
  ['sort=hat', /Invalid sort key: hat/],
  ['sort=name:up', /Invalid sort direction: up/],
  ['sort=name&sort_key=id', /Old and new sorting syntax cannot be combined/],
  ['sort_key=name&sort_dir=asc&sort_dir=asc', /Number of sort dirs/],
  ['size_min=big', /size_min/],
  ['os_hidden=maybe', /Invalid value 'maybe' for 'os_hidden' filter/],
  ['name=in:%22a', /quote is not closed/],
  ['created_at=gte:yesterday', /specified range/],
  ['created_at=near:2020-01-01', /unknown operator/],
]
for (const [query, message] of badQueries) {
  test(`list refuses ${query}`, async (t) => {
    const { call } = await openImages(t)
    const reply = await call('owner', 'GET', `/v2/images?${query}`)
    assert.equal(reply.status, 400)
    assert.match(reply.json.message, message)
  })
}

test('pages follow each other without gap or repeat, filters of rows included', async (t) => {
  const { call, create } = await openImages(t)
  const made = []
  for (let index = 0; index < 7; index++) made.push(await create({ name: `n${index % 3}`, tags: ['t'] }))
  await create({ name: 'n1' })
  const seen: string[] = []
  let path: string | undefined = '/v2/images?limit=3&tag=t&sort=name:asc,created_at:desc'
  assert.equal(
    (await call('owner', 'GET', path)).json.first,
    `/v2/images?${new URLSearchParams(path.split('?')[1]).toString()}`,
  )
  for (let pages = 0; path; pages++) {
    assert.ok(pages < 4)
    const { json } = await call('owner', 'GET', path)
    seen.push(...json.images.map(({ id }) => id))
    path = json.next
  }
  assert.equal(seen.length, 7)
  assert.deepEqual([...seen].sort(), made.sort())
})

test('who sees what in a list', async (t) => {
  const world = await openImages(t)
  const { create } = world
  await create({ name: 'private', visibility: 'private' })
  await create({ name: 'shared' })
  await create({ name: 'community', visibility: 'community' })
  await create({ name: 'public', visibility: 'public' }, 'admin')
  const table: readonly [person: Person, query: string, names: string][] = [
    ['owner', '', 'community private public shared'],
    ['other', '', 'public'],
    ['other', '&visibility=community', 'community'],
    ['other', '&visibility=all', 'community public'],
    ['reader', '&visibility=all', 'community private public shared'],
    ['admin', '', 'private public shared'],
    ['admin', '&visibility=all', 'community private public shared'],
  ]
  for (const [person, query, expected] of table)
    assert.equal(await names(world, `?sort=name:asc${query}`, person), expected, `${person} ${query}`)
})
