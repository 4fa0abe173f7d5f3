/** Domains, projects, users, roles and grants through the API: what is kept, listed, and refused. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { cloudScope, trustEverybody } from '@atoll/state'
import { bootstrapIdentity } from './bootstrap.ts'
import { roleAssignments, users } from './records.ts'
import { openTestIdentity, PASSWORD, type TestIdentity } from './testing.ts'

const unknownId = '0'.repeat(32)

async function send(
  { call, admin }: TestIdentity,
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
) {
  return call(method, path, { token: admin, ...(body && { body }) })
}

const namesIn = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name)

const bad: readonly [
  method: 'POST' | 'PATCH',
  path: string,
  body: object,
  status: number,
  message: RegExp,
][] = [
  ['POST', '/v3/users', { user: {} }, 400, /'name' is a required property/],
  ['POST', '/v3/users', { user: { name: '' } }, 400, /too short/],
  ['POST', '/v3/users', { user: { name: '  ' } }, 400, /does not match/],
  ['POST', '/v3/users', { user: { name: 'x'.repeat(256) } }, 400, /too long/],
  ['POST', '/v3/users', { user: { name: 7 } }, 400, /is not of type 'string'/],
  ['POST', '/v3/users', { user: { name: 'a', enabled: 'yes' } }, 400, /is not of type 'boolean'/],
  ['POST', '/v3/users', { user: { name: 'a', password: 'x'.repeat(4097) } }, 400, /longer than 4096 bytes/],
  [
    'POST',
    '/v3/users',
    { user: { name: 'a', options: { lock_password: true } } },
    400,
    /Additional properties/,
  ],
  ['POST', '/v3/users', { user: { name: 'a', domain_id: unknownId } }, 404, /Could not find domain/],
  ['POST', '/v3/users', { user: { name: 'admin' } }, 409, /Duplicate entry found with name admin at domain/],
  ['POST', '/v3/users', { user: { name: 'a', note: 'x'.repeat(17_000) } }, 400, /Unknown attributes/],
  ['POST', '/v3/users', { name: 'a' }, 400, /'user' is a required property/],
  ['PATCH', `/v3/users/${unknownId}`, { user: {} }, 404, /Could not find user/],
  ['POST', '/v3/projects', { project: { name: 'admin' } }, 409, /Duplicate entry/],
  ['POST', '/v3/projects', { project: { name: 'a', is_domain: true } }, 400, /acts as a domain/],
  ['POST', '/v3/projects', { project: { name: 'a', parent_id: unknownId } }, 404, /Could not find project/],
  ['POST', '/v3/projects', { project: { name: 'a', tags: ['x,y'] } }, 400, /does not match/],
  ['POST', '/v3/projects', { project: { name: 'a', tags: ['x', 'x'] } }, 400, /duplicate/],
  ['POST', '/v3/domains', { domain: { name: 'Default' } }, 409, /Duplicate entry found with name Default/],
  ['POST', '/v3/domains', { domain: { name: 'a', what: 1 } }, 400, /Additional properties .*'what'/],
  ['PATCH', '/v3/domains/default', { domain: { enabled: false } }, 403, /administrators of the cloud/],
  ['POST', '/v3/roles', { role: { name: 'ADMIN' } }, 409, /Duplicate entry/],
  ['POST', '/v3/roles', { role: { name: 'a', domain_id: 'default' } }, 400, /not offered/],
  ['POST', '/v3/groups', { group: { name: 'a' } }, 501, /no groups/],
]
test('bad input is an error in the form of Keystone, and nothing is written', async (t) => {
  const identity = await openTestIdentity(t)
  const before = await identity.state.feed.head()
  for (const [method, path, body, status, message] of bad) {
    const reply = await send(identity, method, path, body)
    const what = `${method} ${path} ${JSON.stringify(body).slice(0, 80)} → ${JSON.stringify(reply.body)}`
    assert.equal(reply.status, status, what)
    assert.equal(reply.body.error.code, status)
    assert.match(reply.body.error.message, message, what)
  }
  assert.equal(await identity.state.feed.head(), before)
})

test('a user is kept with attributes that Keystone does not know, and without its password', async (t) => {
  const identity = await openTestIdentity(t)
  const created = await send(identity, 'POST', '/v3/users', {
    user: { name: 'ann', password: PASSWORD, email: 'a@b', shell: '/bin/sh', id: 'mine' },
  })
  assert.equal(created.status, 201)
  const { id } = created.body.user
  assert.match(id, /^[0-9a-f]{32}$/)
  const patched = await send(identity, 'PATCH', `/v3/users/${id}`, { user: { shell: null, desk: 4 } })
  const shown = await send(identity, 'GET', `/v3/users/${id}`)
  assert.deepEqual(shown.body.user, patched.body.user)
  assert.deepEqual(Object.keys(shown.body.user).sort(), [
    'desk',
    'domain_id',
    'email',
    'enabled',
    'id',
    'links',
    'name',
    'options',
    'password_expires_at',
  ])
  assert.doesNotMatch(JSON.stringify(created.body) + JSON.stringify(shown.body), /\$test\$|correct horse/)
})

test('what never changes cannot be changed', async (t) => {
  const identity = await openTestIdentity(t)
  const project = await identity.create('project', { name: 'p' })
  const user = await identity.create('user', { name: 'u' })
  for (const [path, body] of [
    [`/v3/users/${user}`, { user: { domain_id: 'other' } }],
    [`/v3/projects/${project}`, { project: { domain_id: 'other' } }],
    [`/v3/projects/${project}`, { project: { parent_id: user } }],
    [`/v3/projects/${project}`, { project: { is_domain: true } }],
  ] as const)
    assert.equal((await send(identity, 'PATCH', path, body)).status, 400, path)
})

test('a name is free again after its owner was deleted or renamed, and in another domain always', async (t) => {
  const identity = await openTestIdentity(t)
  const domain = await identity.create('domain', { name: 'reef' })
  for (const kind of ['project', 'user'] as const) {
    const first = await identity.create(kind, { name: 'x' })
    await identity.create(kind, { name: 'x', domain_id: domain })
    await send(identity, 'PATCH', `/v3/${kind}s/${first}`, { [kind]: { name: 'y' } })
    const second = await identity.create(kind, { name: 'x' })
    const taken = await send(identity, 'PATCH', `/v3/${kind}s/${first}`, { [kind]: { name: 'x' } })
    assert.equal(taken.status, 409)
    await send(identity, 'DELETE', `/v3/${kind}s/${second}`)
    await identity.create(kind, { name: 'x' })
  }
})

test('of many who want one name at once, one gets it', async (t) => {
  const identity = await openTestIdentity(t)
  const replies = await Promise.all(
    Array.from({ length: 8 }, () => send(identity, 'POST', '/v3/projects', { project: { name: 'one' } })),
  )
  assert.deepEqual(
    replies.map(({ status }) => status).sort((a, b) => a - b),
    [201, 409, 409, 409, 409, 409, 409, 409],
  )
})

test('lists filter by name, roughly too, by domain and by state', async (t) => {
  const identity = await openTestIdentity(t)
  const domain = await identity.create('domain', { name: 'reef' })
  for (const name of ['Ann_a', 'annXa', 'bob']) await identity.create('user', { name, domain_id: domain })
  await identity.create('user', { name: 'off', domain_id: domain, enabled: false })
  const list = async (query: string) =>
    namesIn((await send(identity, 'GET', `/v3/users?domain_id=${domain}${query}`)).body.users)
  assert.deepEqual(await list(''), ['Ann_a', 'annXa', 'bob', 'off'])
  assert.deepEqual(await list('&name=bob'), ['bob'])
  assert.deepEqual(await list('&name__contains=n_a'), ['Ann_a'])
  assert.deepEqual(await list('&name__istartswith=ANN'), ['Ann_a', 'annXa'])
  assert.deepEqual(await list('&name__endswith=a&name__contains=X'), ['annXa'])
  assert.deepEqual(await list('&enabled=false'), ['off'])
  assert.deepEqual(await list('&enabled=true&unknown=1'), ['Ann_a', 'annXa', 'bob'])
  assert.deepEqual(await list('&name=nobody'), [])
})

test('pages of a list, followed by their links, show everything once', async (t) => {
  const identity = await openTestIdentity(t)
  for (let index = 0; index < 7; index++) await identity.create('project', { name: `p${index}` })
  const seen: string[] = []
  let path: string | undefined = '/v3/projects?limit=3&name__startswith=p'
  for (let pages = 0; path !== undefined && pages < 9; pages++) {
    const { body } = await send(identity, 'GET', path)
    assert.ok(body.projects.length <= 3)
    seen.push(...namesIn(body.projects))
    path = body.links.next?.split('/identity')[1]
  }
  assert.deepEqual(seen, ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6'])
  for (const query of ['limit=x', 'limit=-1', 'marker=gone'])
    assert.equal((await send(identity, 'GET', `/v3/projects?${query}`)).status, 400, query)
})

test('a domain is deleted only when disabled, and takes what is in it along', async (t) => {
  const identity = await openTestIdentity(t)
  const domain = await identity.create('domain', { name: 'reef' })
  const user = await identity.create('user', { name: 'ann', domain_id: domain, password: PASSWORD })
  const project = await identity.create('project', { name: 'p', domain_id: domain })
  await identity.grant({ role: 'member', user, project })
  const token = await identity.login({ user, project })
  assert.equal((await send(identity, 'DELETE', `/v3/domains/${domain}`)).status, 403)
  await send(identity, 'PATCH', `/v3/domains/${domain}`, { domain: { enabled: false } })
  assert.equal((await identity.call('GET', '/v3/auth/projects', { token })).status, 401)
  assert.equal((await send(identity, 'DELETE', `/v3/domains/${domain}`)).status, 204)
  for (const path of [`/v3/domains/${domain}`, `/v3/users/${user}`, `/v3/projects/${project}`])
    assert.equal((await send(identity, 'GET', path)).status, 404, path)
  const { body } = await send(identity, 'GET', `/v3/role_assignments?user.id=${user}`)
  assert.deepEqual(body.role_assignments, [])
})

test('a project with children is kept; tags are replaced and filtered by', async (t) => {
  const identity = await openTestIdentity(t)
  const parent = await identity.create('project', { name: 'parent', tags: ['a', 'b'] })
  const child = await identity.create('project', { name: 'child', parent_id: parent })
  assert.equal((await send(identity, 'DELETE', `/v3/projects/${parent}`)).status, 403)
  const list = async (query: string) =>
    namesIn((await send(identity, 'GET', `/v3/projects?${query}`)).body.projects)
  assert.deepEqual(await list('tags=a,b'), ['parent'])
  assert.deepEqual(await list('tags=a,c'), [])
  assert.deepEqual(await list('tags-any=a,c'), ['parent'])
  assert.deepEqual(await list(`parent_id=${parent}`), ['child'])
  const put = await send(identity, 'PUT', `/v3/projects/${child}/tags`, { tags: ['c'] })
  assert.deepEqual(put.body.tags, ['c'])
  assert.equal((await send(identity, 'DELETE', `/v3/projects/${child}/tags`)).status, 204)
  assert.deepEqual((await send(identity, 'GET', `/v3/projects/${child}/tags`)).body.tags, [])
})

test('grants are listed with names and what they imply; a second grant changes nothing', async (t) => {
  const identity = await openTestIdentity(t)
  const project = await identity.create('project', { name: 'p' })
  const user = await identity.create('user', { name: 'ann' })
  await identity.grant({ role: 'manager', user, project })
  await identity.grant({ role: 'manager', user, project })
  const list = async (query: string) =>
    (await send(identity, 'GET', `/v3/role_assignments?scope.project.id=${project}${query}`)).body
      .role_assignments
  const [assignment] = await list('&include_names')
  assert.deepEqual(assignment.scope, {
    project: { id: project, name: 'p', domain: { id: 'default', name: 'Default' } },
  })
  assert.deepEqual(assignment.user, { id: user, name: 'ann', domain: { id: 'default', name: 'Default' } })
  assert.match(assignment.links.assignment, new RegExp(`/v3/projects/${project}/users/${user}/roles/`))
  assert.equal((await list('')).length, 1)
  assert.deepEqual(
    (await list('&effective&include_names')).map((each: typeof assignment) => each.role.name).sort(),
    ['manager', 'member', 'reader'],
  )
  assert.deepEqual(await list('&group.id=x'), [])
  const path = `/v3/projects/${project}/users/${user}/roles/${assignment.role.id}`
  assert.equal((await identity.call('HEAD', path, { token: identity.admin })).status, 204)
  assert.equal((await send(identity, 'DELETE', path)).status, 204)
  assert.equal((await send(identity, 'DELETE', path)).status, 404)
  assert.equal((await send(identity, 'PUT', path.replace(user, unknownId))).status, 404)
})

test('the manager of a domain gives away what is of its domain, and no more', async (t) => {
  const identity = await openTestIdentity(t)
  const domain = await identity.create('domain', { name: 'reef' })
  const manager = await identity.create('user', { name: 'm', domain_id: domain, password: PASSWORD })
  const project = await identity.create('project', { name: 'p', domain_id: domain })
  await identity.grant({ role: 'manager', user: manager, domain })
  const token = await identity.login({ user: manager, domain })
  const roles = (await identity.call('GET', '/v3/roles', { token })).body.roles
  const give = async (role: string, target: string) => {
    const { id } = roles.find(({ name }: { name: string }) => name === role)
    return (await identity.call('PUT', `/v3/projects/${target}/users/${manager}/roles/${id}`, { token }))
      .status
  }
  const elsewhere = await identity.create('project', { name: 'elsewhere' })
  assert.equal(await give('member', project), 204)
  assert.equal(await give('admin', project), 403)
  assert.equal(await give('service', project), 403)
  assert.equal(await give('member', elsewhere), 403)
  const listed = (await identity.call('GET', '/v3/users', { token })).body.users
  assert.deepEqual(namesIn(listed), ['m'])
  assert.deepEqual(namesIn((await identity.call('GET', '/v3/domains', { token })).body.domains), ['reef'])
})

test('a grant that is kept elsewhere does not hinder, and means nothing without its user', async (t) => {
  const identity = await openTestIdentity(t)
  const user = await identity.create('user', { name: 'ann' })
  const project = await identity.create('project', { name: 'p' })
  await identity.grant({ role: 'member', user, project })
  const row = await identity.state
    .select(cloudScope('test'), roleAssignments)
    .selectAll()
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow()
  const replica = { ...row, id: '1'.repeat(32), home: 'far', seq: 1 }
  const page = { home: 'far', after: 0, upTo: 1, entries: [{ table: 'role_assignments', row: replica }] }
  await identity.state.feed.apply(page, trustEverybody)
  assert.equal((await send(identity, 'DELETE', `/v3/users/${user}`)).status, 204)
  const { body } = await send(identity, 'GET', `/v3/role_assignments?scope.project.id=${project}`)
  assert.deepEqual(body.role_assignments, [])
  assert.notEqual(await identity.state.find(cloudScope('test'), roleAssignments, replica.id), undefined)
})

test('a wrong original password changes nothing', async (t) => {
  const identity = await openTestIdentity(t)
  const user = await identity.create('user', { name: 'ann', password: PASSWORD })
  const token = await identity.login({ user })
  const body = { user: { original_password: 'wrong', password: 'new' } }
  const reply = await identity.call('POST', `/v3/users/${user}/password`, { token, body })
  assert.equal(reply.status, 401)
  await identity.login({ user })
})

test('bootstrap is idempotent', async (t) => {
  const { state, passwords } = await openTestIdentity(t)
  const before = await state.feed.head()
  const hash = () => assert.fail('nobody needs a hash')
  const again = { passwords: { ...passwords, hash }, adminPassword: 'another', sites: ['elsewhere'] }
  await bootstrapIdentity(state, again)
  assert.equal(await state.feed.head(), before)
  const [admin] = await state.select(cloudScope('test'), users).selectAll().execute()
  assert.equal(await passwords.verify(PASSWORD, admin?.password_hash ?? null), true)
})
