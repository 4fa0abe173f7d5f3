import assert from 'node:assert/strict'
import test from 'node:test'
import { OTHER_PROJECT_ID, openTestCloud, PROJECT_ID, type TestCloud } from '../testing/test-cloud.ts'
import { namePattern } from './name-pattern.ts'

const namesOf = (body: { servers: { name: string }[] }) => body.servers.map(({ name }) => name)

async function openFive(t: Parameters<typeof openTestCloud>[0]): Promise<TestCloud & { ids: string[] }> {
  let now = Date.parse('2026-11-22T03:00:00Z')
  const clock = { nowMs: () => (now += 1000), monotonicMs: () => now, after: () => () => undefined }
  const cloud = await openTestCloud(t, { clock })
  const ids: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) ids.push(await cloud.create({ name }))
  return { ...cloud, ids }
}

test('pages follow their links to the end, newest first, and an exact page is followed by an empty one', async (t) => {
  const cloud = await openFive(t)
  const seen: string[] = []
  let path = '/v2.1/servers/detail?limit=2&unknown=ignored'
  for (let pages = 0; pages < 5; pages++) {
    const { body } = await cloud.call(path)
    seen.push(...namesOf(body))
    const [next] = body.servers_links ?? []
    if (!next) break
    const { pathname, search } = new URL(next.href)
    path = `${pathname}${search}`.replace('/compute', '')
  }
  assert.deepEqual(seen, ['e', 'd', 'c', 'b', 'a'])
  const all = await cloud.call('/v2.1/servers?limit=5')
  const [next] = all.body.servers_links
  const { pathname, search } = new URL(next.href)
  assert.deepEqual((await cloud.call(`${pathname}${search}`.replace('/compute', ''))).body, { servers: [] })
  assert.deepEqual((await cloud.call('/v2.1/servers?limit=0')).body, { servers: [] })
})

test('a marker that was deleted meanwhile still has successors; one that never was is 400', async (t) => {
  const cloud = await openFive(t)
  const [, , third = ''] = cloud.ids
  await cloud.call(`/v2.1/servers/${third}`, { method: 'DELETE' })
  await cloud.finishDeletion(third)
  assert.deepEqual(namesOf((await cloud.call(`/v2.1/servers?marker=${third}`)).body), ['b', 'a'])
  const reply = await cloud.call('/v2.1/servers?marker=nobody')
  assert.deepEqual(reply.body, { badRequest: { code: 400, message: 'marker [nobody] not found' } })
})

const lists: readonly [query: string, names: readonly string[], token?: string, version?: string][] = [
  ['sort_key=display_name&sort_dir=asc', ['a', 'b', 'c', 'd', 'e']],
  ['name=b', ['b']],
  ['name=^(b|c)$', []],
  ['name=.', ['e', 'd', 'c', 'b', 'a']],
  ['status=BUILD&status=ERROR', ['e', 'd', 'c', 'b', 'a']],
  ['status=ACTIVE', []],
  ['flavor=small', ['e', 'd', 'c', 'b', 'a']],
  ['flavor=huge', []],
  ['image=33333333-3333-4333-8333-333333333333&limit=1', ['e']],
  ['ip=10.0.0', ['e', 'd', 'c', 'b', 'a']],
  ['ip=0.0.7', []],
  ['ip6=10', [], 'member', '2.5'],
  ['host=nowhere', ['e', 'd', 'c', 'b', 'a']],
  ['host=nowhere', [], 'admin'],
  ['status=nonsense', []],
  ['locked=true', [], 'member', '2.73'],
  ['changes-since=2026-11-22T04:00:00Z', []],
  ['availability_zone=east', ['e', 'd', 'c', 'b', 'a'], 'member', '2.83'],
  ['all_tenants=0', ['e', 'd', 'c', 'b', 'a']],
  [`all_tenants=1&project_id=${PROJECT_ID}`, ['e', 'd', 'c', 'b', 'a'], 'admin'],
  [`all_tenants=1&project_id=${OTHER_PROJECT_ID}`, [], 'admin'],
  ['', [], 'other'],
]
test('filters find what they say', async (t) => {
  const cloud = await openFive(t)
  for (const [query, names, token, version] of lists) {
    const reply = await cloud.call(`/v2.1/servers?${query}`, { token, ...(version && { version }) })
    assert.deepEqual(namesOf(reply.body), names, `${query} ${token ?? ''}`)
  }
})

const refusals: readonly [query: string, status: number, version?: string, token?: string][] = [
  ['limit=-1', 400],
  ['limit=many', 400],
  ['sort_key=colour', 400],
  ['sort_key=host', 403],
  ['status=nonsense', 400, '2.38'],
  ['status=DELETED', 403],
  ['all_tenants=1', 403],
  ['all_tenants=maybe', 400, '2.1', 'admin'],
  ['changes-since=yesterday', 400],
  ['changes-since=2026-01-02T00:00:00Z&changes-before=2026-01-01T00:00:00Z', 400, '2.66'],
  ['colour=red', 400, '2.75'],
  ['metadata=x', 400, '2.1', 'admin'],
]
for (const [query, status, version = '2.1', token] of refusals) {
  test(`servers?${query} is ${status} at ${version}`, async (t) => {
    const cloud = await openTestCloud(t)
    assert.equal((await cloud.call(`/v2.1/servers?${query}`, { version, token })).status, status)
  })
}

test('a list of changes has what is gone, and an administrator may ask for it alone', async (t) => {
  const cloud = await openFive(t)
  const [first = ''] = cloud.ids
  await cloud.call(`/v2.1/servers/${first}`, { method: 'DELETE' })
  await cloud.finishDeletion(first)
  const changes = (await cloud.call('/v2.1/servers/detail?changes-since=2026-11-22T03:00:00Z')).body.servers
  assert.deepEqual(
    changes
      .filter(({ status }: { status: string }) => status === 'DELETED')
      .map(({ name }: { name: string }) => name),
    ['a'],
  )
  assert.equal(changes.length, 5)
  for (const query of ['deleted=true', 'status=DELETED']) {
    const gone = await cloud.call(`/v2.1/servers?${query}`, { token: 'admin' })
    assert.deepEqual(namesOf(gone.body), ['a'])
  }
})

const patterns: readonly [pattern: string, text: string, expected: boolean][] = [
  ['', 'anything', true],
  ['web', 'my-WEB-1', true],
  ['^web', 'my-web-1', false],
  ['1$', 'my-web-1', true],
  ['^my.*1$', 'my-web-1', true],
  ['^m.-', 'my-web-1', true],
  ['a\\.b', 'axb', false],
  ['a\\.b', 'a.b', true],
  ['vm(1)', 'vm(1)', true],
  ['[x]', 'x', false],
  ['.*a.*b', 'xxaxxb', true],
  ['^a.*b.*c$', 'a-b-b-d', false],
  [`${'.*a'.repeat(80)}$`, `${'a'.repeat(200)}b`, false],
]
for (const [pattern, text, expected] of patterns) {
  test(`${pattern.slice(0, 20)} ${expected ? 'matches' : 'does not match'} ${text.slice(0, 20)}`, () => {
    assert.equal(namePattern(pattern)(text), expected)
  })
}
