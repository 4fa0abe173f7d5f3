/** Who may call what: every endpoint has a line here, and each line is tried by everybody. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { createIdentityApi } from './identity-api.ts'
import { openTestIdentity, PASSWORD, type TestIdentity } from './testing.ts'

/**
 * In the domain `reef`: `owner` is the user that paths name, `reader` and `manager` have that role on the domain,
 * `foreignAdmin` has the role admin on its project and on the domain. `member` belongs to the default domain.
 */
const everybody = ['nobody', 'member', 'owner', 'reader', 'manager', 'foreignAdmin', 'admin'] as const
type Actor = (typeof everybody)[number]

const all = 'member owner reader manager foreignAdmin admin'
const ofDomain = 'reader manager foreignAdmin admin'
const managers = 'manager foreignAdmin admin'

const allowed: Readonly<Record<string, string>> = {
  'GET /': `nobody ${all}`,
  'GET /v3': `nobody ${all}`,
  'GET /v3/': `nobody ${all}`,
  'POST /v3/auth/tokens': `nobody ${all}`,
  'GET /v3/auth/tokens': 'owner admin',
  'HEAD /v3/auth/tokens': 'owner admin',
  'DELETE /v3/auth/tokens': 'owner admin',
  'GET /v3/auth/catalog': all,
  'GET /v3/auth/projects': all,
  'GET /v3/auth/domains': all,
  'GET /v3/services': all,
  'GET /v3/services/:id': all,
  'GET /v3/endpoints': all,
  'GET /v3/endpoints/:id': all,
  'GET /v3/regions': all,
  'GET /v3/regions/:id': all,
  'GET /v3/domains': all,
  'POST /v3/domains': 'admin',
  'GET /v3/domains/:domain_id': 'owner reader manager foreignAdmin admin',
  'PATCH /v3/domains/:domain_id': 'admin',
  'DELETE /v3/domains/:domain_id': 'admin',
  'GET /v3/projects': ofDomain,
  'POST /v3/projects': managers,
  'GET /v3/users/:user_id/projects': `owner ${ofDomain}`,
  'GET /v3/projects/:project_id': `owner ${ofDomain}`,
  'PATCH /v3/projects/:project_id': managers,
  'DELETE /v3/projects/:project_id': managers,
  'GET /v3/projects/:project_id/tags': `owner ${ofDomain}`,
  'PUT /v3/projects/:project_id/tags': managers,
  'DELETE /v3/projects/:project_id/tags': managers,
  'GET /v3/users': ofDomain,
  'POST /v3/users': managers,
  'GET /v3/users/:user_id': `owner ${ofDomain}`,
  'PATCH /v3/users/:user_id': managers,
  'DELETE /v3/users/:user_id': managers,
  'POST /v3/users/:user_id/password': 'owner',
  'GET /v3/roles': managers,
  'POST /v3/roles': 'admin',
  'GET /v3/roles/:role_id': managers,
  'PATCH /v3/roles/:role_id': 'admin',
  'DELETE /v3/roles/:role_id': 'admin',
  'GET /v3/projects/:target_id/users/:user_id/roles': ofDomain,
  'PUT /v3/projects/:target_id/users/:user_id/roles/:role_id': managers,
  'HEAD /v3/projects/:target_id/users/:user_id/roles/:role_id': ofDomain,
  'DELETE /v3/projects/:target_id/users/:user_id/roles/:role_id': managers,
  'GET /v3/domains/:target_id/users/:user_id/roles': ofDomain,
  'PUT /v3/domains/:target_id/users/:user_id/roles/:role_id': managers,
  'HEAD /v3/domains/:target_id/users/:user_id/roles/:role_id': ofDomain,
  'DELETE /v3/domains/:target_id/users/:user_id/roles/:role_id': managers,
  'GET /v3/role_assignments': ofDomain,
  'GET /v3/groups': all,
  'POST /v3/groups': 'admin',
}

/** Bodies that are good, so that nothing but the caller decides. */
const bodies: Readonly<Record<string, (world: World) => object>> = {
  'POST /v3/auth/tokens': () => ({
    auth: { identity: { methods: ['password'], password: { user: { id: 'x', password: 'x' } } } },
  }),
  'POST /v3/domains': () => ({ domain: { name: 'new' } }),
  'PATCH /v3/domains/:domain_id': () => ({ domain: { description: 'd' } }),
  'POST /v3/projects': ({ domain }) => ({ project: { name: 'new', domain_id: domain } }),
  'PATCH /v3/projects/:project_id': () => ({ project: { description: 'd' } }),
  'PUT /v3/projects/:project_id/tags': () => ({ tags: ['a'] }),
  'POST /v3/users': ({ domain }) => ({ user: { name: 'new', domain_id: domain } }),
  'PATCH /v3/users/:user_id': () => ({ user: { description: 'd' } }),
  'POST /v3/users/:user_id/password': () => ({ user: { original_password: PASSWORD, password: PASSWORD } }),
  'POST /v3/roles': () => ({ role: { name: 'new' } }),
  'PATCH /v3/roles/:role_id': () => ({ role: { description: 'd' } }),
  'POST /v3/groups': () => ({ group: { name: 'g' } }),
}

interface World extends TestIdentity {
  readonly domain: string
  readonly project: string
  readonly user: string
  readonly role: string
  readonly subject: string
  readonly bearers: Readonly<Record<Actor, string | undefined>>
}

async function openWorld(t: TestContext): Promise<World> {
  const identity = await openTestIdentity(t)
  const { create, grant, login } = identity
  const domain = await create('domain', { name: 'reef' })
  const project = await create('project', { name: 'p', domain_id: domain })
  const userOf = (name: string, domain_id: string) => create('user', { name, domain_id, password: PASSWORD })
  const [user, reader] = [await userOf('owner', domain), await userOf('reader', domain)]
  const [manager, foreign] = [await userOf('manager', domain), await userOf('foreign', domain)]
  const member = await userOf('member', 'default')
  const elsewhere = await create('project', { name: 'elsewhere', domain_id: 'default' })
  await grant({ role: 'member', user, project })
  await grant({ role: 'reader', user: reader, domain })
  await grant({ role: 'manager', user: manager, domain })
  await grant({ role: 'admin', user: foreign, domain })
  await grant({ role: 'member', user: member, project: elsewhere })
  const { body } = await identity.call('GET', '/v3/roles?name=member', { token: identity.admin })
  return {
    ...identity,
    domain,
    project,
    user,
    role: body.roles[0].id,
    subject: await login({ user, project }),
    bearers: {
      nobody: undefined,
      member: await login({ user: member, project: elsewhere }),
      owner: await login({ user, project }),
      reader: await login({ user: reader, domain }),
      manager: await login({ user: manager, domain }),
      foreignAdmin: await login({ user: foreign, domain }),
      admin: identity.admin,
    },
  }
}

const endpoints = createIdentityApi({} as TestIdentity).endpoints.map(({ method, path }) => ({
  method,
  path,
  name: `${method} ${path}`,
}))

test('every endpoint has an authorization case, and every case an endpoint', () => {
  assert.deepEqual(Object.keys(allowed).sort(), endpoints.map(({ name }) => name).sort())
})

for (const { method, path, name } of endpoints) {
  test(`${name} is for: ${allowed[name]}`, async (t) => {
    let world = await openWorld(t)
    for (const actor of everybody) {
      const isAllowed = (allowed[name] ?? '').split(' ').includes(actor)
      const reply = await world.call(method, fill(path, world), {
        token: world.bearers[actor],
        headers: { 'x-subject-token': world.subject },
        ...(bodies[name] && { body: bodies[name](world) }),
      })
      const seen = `${actor} got ${reply.status}`
      // The credentials of this one case are wrong on purpose; 401 says that they were looked at.
      if (name === 'POST /v3/auth/tokens') assert.equal(reply.status, 401, seen)
      else if (isAllowed) assert.ok(![401, 403, 500].includes(reply.status) || isKept(name, reply), seen)
      else assert.equal(reply.status, actor === 'nobody' ? 401 : 403, seen)
      // What was deleted must be there for the next one.
      if (method === 'DELETE' && isAllowed) world = await openWorld(t)
    }
  })
}

function fill(path: string, { domain, project, user, role }: World): string {
  const ids: Readonly<Record<string, string>> = {
    domain_id: domain,
    project_id: project,
    user_id: user,
    role_id: role,
    target_id: path.includes('/projects/') ? project : domain,
    id: 'unknown',
  }
  return path.replaceAll(/:(\w+)/g, (_, parameter: string) => ids[parameter] ?? '')
}

// An enabled domain is kept, with 403, even from those who may delete it.
function isKept(name: string, { body }: { body: { error?: { message?: string } } }): boolean {
  return name === 'DELETE /v3/domains/:domain_id' && /disable it first/.test(body.error?.message ?? '')
}
