import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { TooBusy } from '@atoll/kit'
import { roleAssignments } from '../records.ts'
import { loginBody, manualClock, openTestIdentity, PASSWORD, type TestIdentityOptions } from '../testing.ts'

async function openReef(t: TestContext, options: TestIdentityOptions = {}) {
  const identity = await openTestIdentity(t, options)
  const { create, grant } = identity
  const domain = await create('domain', { name: 'reef' })
  const project = await create('project', { name: 'crab', domain_id: domain })
  const user = await create('user', {
    name: 'ann',
    domain_id: domain,
    password: PASSWORD,
    default_project_id: project,
  })
  await grant({ role: 'member', user, project })
  await grant({ role: 'reader', user, domain })
  const post = (body: object) => identity.call('POST', '/v3/auth/tokens', { body })
  const patch = (path: string, body: object) => identity.call('PATCH', path, { token: identity.admin, body })
  return { ...identity, domain, project, user, post, patch }
}

const byId = (id: string, password = PASSWORD) => ({ user: { id, password } })

test('a login shows methods, user, project, roles, catalog and times', async (t) => {
  const clock = manualClock(Date.UTC(2026, 10, 22, 3))
  const { post, user, project, domain } = await openReef(t, { clock })
  const { status, headers, body } = await post(
    loginBody(
      { user: { name: 'ann', domain: { name: 'reef' }, password: PASSWORD } },
      { project: { name: 'crab', domain: { id: domain } } },
    ),
  )
  assert.equal(status, 201)
  assert.match(String(headers['x-subject-token']), /^[\w-]+\.[\w-]+\.[\w-]+$/)
  const { token } = body
  assert.deepEqual(token.methods, ['password'])
  const reef = { id: domain, name: 'reef' }
  assert.deepEqual(token.user, { id: user, name: 'ann', domain: reef, password_expires_at: null })
  assert.deepEqual(token.project, { id: project, name: 'crab', domain: reef })
  assert.equal(token.is_domain, false)
  assert.deepEqual(
    token.roles.map(({ name }: { name: string }) => name),
    ['member', 'reader'],
  )
  assert.equal(token.audit_ids.length, 1)
  assert.equal(token.issued_at, '2026-11-22T03:00:00.000000Z')
  assert.equal(token.expires_at, '2026-11-22T04:00:00.000000Z')
  assert.equal(token.catalog.length, 5)
  const [identityEntry] = token.catalog
  assert.deepEqual(Object.keys(identityEntry.endpoints[0]).sort(), [
    'id',
    'interface',
    'region',
    'region_id',
    'url',
  ])
})

test('the scope is what was asked for, else the default project, else none', async (t) => {
  const { post, user, project, domain, patch } = await openReef(t)
  const scopeOf = async (scope?: object) => {
    const { token } = (await post(loginBody(byId(user), scope))).body
    return [token.project?.id, token.domain?.id, 'catalog' in token]
  }
  assert.deepEqual(await scopeOf({ project: { id: project } }), [project, undefined, true])
  assert.deepEqual(await scopeOf({ domain: { name: 'reef' } }), [undefined, domain, true])
  assert.deepEqual(await scopeOf({ unscoped: {} }), [undefined, undefined, false])
  assert.deepEqual(await scopeOf(), [project, undefined, true])
  await patch(`/v3/users/${user}`, { user: { default_project_id: 'gone' } })
  assert.deepEqual(await scopeOf(), [undefined, undefined, false])
})

test('nocatalog leaves the catalog out', async (t) => {
  const { call, user, project } = await openReef(t)
  const body = loginBody(byId(user), { project: { id: project } })
  const { token } = (await call('POST', '/v3/auth/tokens?nocatalog', { body })).body
  assert.equal('catalog' in token, false)
})

test('whatever is wrong with a login, the answer is the same 401, after one hash', async (t) => {
  let hashes = 0
  const passwords = {
    hash: async (password: string) => password,
    verify: async (password: string, kept: string | null) => {
      hashes++
      return password === kept
    },
  }
  const { post, user, project, domain, patch, create } = await openReef(t, { passwords })
  const other = await create('project', { name: 'other', domain_id: domain })
  const off = { enabled: false }
  const cases: readonly [why: string, credentials: object, scope?: object, prepare?: [string, object]][] = [
    ['wrong password', byId(user, 'wrong')],
    ['unknown id', byId('0'.repeat(32))],
    ['unknown name', { user: { name: 'bob', domain: { id: domain }, password: PASSWORD } }],
    ['unknown domain', { user: { name: 'ann', domain: { name: 'sea' }, password: PASSWORD } }],
    ['no role on the project', byId(user), { project: { id: other } }],
    ['no role on the domain', byId(user), { domain: { id: 'default' } }],
    ['unknown project', byId(user), { project: { id: '0'.repeat(32) } }],
    ['unknown project by name', byId(user), { project: { name: 'x', domain: { id: domain } } }],
    [
      'project disabled',
      byId(user),
      { project: { id: project } },
      [`/v3/projects/${project}`, { project: off }],
    ],
    ['user disabled', byId(user), { unscoped: {} }, [`/v3/users/${user}`, { user: off }]],
    ['domain disabled', byId(user), { unscoped: {} }, [`/v3/domains/${domain}`, { domain: off }]],
  ]
  const expected = {
    error: {
      code: 401,
      message: 'The request you have made requires authentication.',
      title: 'Unauthorized',
    },
  }
  for (const [why, credentials, scope, prepare] of cases) {
    if (prepare) assert.equal((await patch(...prepare)).status, 200)
    hashes = 0
    const { status, body } = await post(loginBody(credentials, scope))
    assert.deepEqual([status, body, hashes], [401, expected, 1], why)
    if (why === 'user disabled') await patch(`/v3/users/${user}`, { user: { enabled: true } })
  }
})

const malformed: readonly [why: string, body: object][] = [
  ['empty', {}],
  ['no identity', { auth: {} }],
  ['no methods', { auth: { identity: { methods: [] } } }],
  ['methods of another type', { auth: { identity: { methods: 'password' } } }],
  ['method without its part', { auth: { identity: { methods: ['password'] } } }],
  ['no password', loginBody({ user: { id: 'x' } })],
  ['password of another type', loginBody({ user: { id: 'x', password: 7 } })],
  ['name without a domain', loginBody({ user: { name: 'x', password: 'x' } })],
  ['neither id nor name', loginBody({ user: { password: 'x' } })],
  ['too long a password', loginBody(byId('x', 'x'.repeat(4097)))],
  ['too long a password in bytes', loginBody(byId('x', 'ä'.repeat(2049)))],
  ['two scopes', loginBody(byId('x'), { unscoped: {}, domain: { id: 'default' } })],
  ['an unknown scope', loginBody(byId('x'), { system: { all: true } })],
  ['a nul in a name', loginBody({ user: { name: 7, domain: { id: 'default' }, password: 'x' } })],
]
for (const [why, body] of malformed) {
  test(`a malformed login is 400: ${why}`, async (t) => {
    const { call } = await openTestIdentity(t)
    const reply = await call('POST', '/v3/auth/tokens', { body })
    assert.equal(reply.status, 400)
    assert.equal(reply.body.error.title, 'Bad Request')
  })
}

test('a method that is not offered is 401 and says so', async (t) => {
  const { call } = await openTestIdentity(t)
  const body = { auth: { identity: { methods: ['totp'] } } }
  const reply = await call('POST', '/v3/auth/tokens', { body })
  assert.match(reply.body.error.message, /unsupported method/)
})

test('when too many logins wait, the next is 429 with Retry-After', async (t) => {
  let isBusy = false
  const passwords = {
    hash: async (password: string) => password,
    verify: async () => {
      if (isBusy) throw TooBusy({ what: 'passwords' }, { retryAfterMs: 1500 })
      return true
    },
  }
  const { call } = await openTestIdentity(t, { passwords })
  isBusy = true
  const { status, headers, body } = await call('POST', '/v3/auth/tokens', { body: loginBody(byId('x')) })
  assert.deepEqual([status, headers['retry-after'], body.error.code], [429, '2', 429])
})

test('a token makes another one for another scope, which ends no later and names its origin', async (t) => {
  const clock = manualClock()
  const { post, login, user, project, domain } = await openReef(t, { clock })
  const rescope = (id: string, scope?: object) =>
    post({ auth: { identity: { methods: ['token'], token: { id } }, ...(scope && { scope }) } })
  const first = await post(loginBody(byId(user), { project: { id: project } }))
  clock.advance(60_000)
  const { status, body } = await rescope(String(first.headers['x-subject-token']), { domain: { id: domain } })
  assert.equal(status, 201)
  assert.equal(body.token.domain.id, domain)
  assert.equal(body.token.expires_at, first.body.token.expires_at)
  assert.deepEqual(body.token.methods, ['password', 'token'])
  assert.equal(body.token.audit_ids[1], first.body.token.audit_ids[0])
  assert.equal((await rescope('nonsense', { domain: { id: domain } })).status, 401)
  const unscoped = await rescope(await login({ user, project }))
  assert.equal(unscoped.body.token.project, undefined)
})

test('a token is shown and checked to its user, and nothing is known of it once it is revoked', async (t) => {
  const { call, login, user, project, admin } = await openReef(t)
  const [subject, own] = [await login({ user, project }), await login({ user, project })]
  const act = (method: 'GET' | 'HEAD' | 'DELETE', token: string) =>
    call(method, '/v3/auth/tokens', { token, headers: { 'x-subject-token': subject } })
  assert.equal((await act('GET', own)).body.token.user.id, user)
  assert.equal((await act('HEAD', own)).status, 200)
  assert.equal((await act('DELETE', own)).status, 204)
  for (const method of ['GET', 'HEAD', 'DELETE'] as const)
    assert.equal((await act(method, admin)).status, 404, method)
  assert.equal((await act('GET', subject)).status, 401)
  assert.equal((await call('GET', '/v3/auth/tokens', { token: own })).status, 400)
})

test('tokens are void at once when project, user or grant is gone, or the password is new', async (t) => {
  const { call, login, user, project, create, grant, admin, patch } = await openReef(t)
  const works = async (token: string) => (await call('GET', '/v3/auth/projects', { token })).status === 200
  const remove = async (path: string) =>
    assert.equal((await call('DELETE', path, { token: admin })).status, 204)
  const roles = await call('GET', '/v3/roles?name=member', { token: admin })

  let token = await login({ user, project })
  await remove(`/v3/projects/${project}/users/${user}/roles/${roles.body.roles[0].id}`)
  assert.equal(await works(token), false)
  await grant({ role: 'member', user, project })

  token = await login({ user, project })
  const body = { user: { original_password: PASSWORD, password: 'new' } }
  assert.equal((await call('POST', `/v3/users/${user}/password`, { token, body })).status, 204)
  assert.equal(await works(token), false)

  token = await login({ user, password: 'new', project })
  await patch(`/v3/users/${user}`, { user: { password: 'newer' } })
  assert.equal(await works(token), false)

  token = await login({ user, password: 'newer', project })
  await remove(`/v3/projects/${project}`)
  assert.equal(await works(token), false)

  const another = await create('project', { name: 'another' })
  await grant({ role: 'member', user, project: another })
  token = await login({ user, password: 'newer', project: another })
  assert.equal(await works(token), true)
  await remove(`/v3/users/${user}`)
  assert.equal(await works(token), false)
})

test("a grant that passes another domain's project off as its own counts for nothing", async (t) => {
  const { state, post, user, domain, call, admin } = await openReef(t)
  const { body } = await call('GET', '/v3/projects?name=admin', { token: admin })
  const roles = await call('GET', '/v3/roles?name=admin', { token: admin })
  const [{ id: target_id }] = body.projects
  const [{ id: role_id }] = roles.body.roles
  await state.transaction((transaction) =>
    transaction.insert(roleAssignments, {
      role_id,
      user_id: user,
      target_kind: 'project',
      target_id,
      domain_id: domain,
    }),
  )
  assert.equal((await post(loginBody(byId(user), { project: { id: target_id } }))).status, 401)
  const listed = await call('GET', `/v3/role_assignments?user.id=${user}`, { token: admin })
  assert.equal(listed.body.role_assignments.length, 2)
  const own = await call('GET', `/v3/users/${user}/projects`, { token: admin })
  assert.deepEqual(
    own.body.projects.map(({ name }: { name: string }) => name),
    ['crab'],
  )
})

test('discovery answers without a token, with links as the client came', async (t) => {
  const { call } = await openTestIdentity(t)
  for (const path of ['', '/']) {
    const { status, body } = await call('GET', path, { headers: { host: 'peer.example:5000' } })
    assert.equal(status, 300)
    const [version] = body.versions.values
    assert.deepEqual([version.id, version.status], ['v3.14', 'stable'])
    assert.equal(version.links[0].href, 'http://peer.example:5000/identity/v3/')
  }
  assert.equal((await call('GET', '/v3')).body.version.id, 'v3.14')
})
