import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { openTestIdentity, PASSWORD, testKeys } from '../testing.ts'
import type { AuthRequest } from './auth-schema.ts'
import { writesOfLogin } from './issuing-site.ts'

/** A site that the default domain does not trust, with an ordinary user and one who manages a domain of its own. */
async function openUntrusted(t: TestContext) {
  const identity = await openTestIdentity(t, { keys: testKeys('key-of-far') })
  const project = await identity.create('project', { name: 'p' })
  const reef = await identity.create('domain', { name: 'reef' })
  const user = await identity.create('user', { name: 'ann' })
  await identity.grant({ role: 'member', user, project })
  await identity.grant({ role: 'manager', user, domain: reef })
  return { ...identity, user, project }
}

const atHome = { kind: 'record', table: 'domains', id: 'default', orHere: true }

const byPassword = (user: object): AuthRequest => ({
  identity: { methods: ['password'], password: { user: { ...user, password: PASSWORD } } },
})
const byToken = (id: string): AuthRequest => ({ identity: { methods: ['token'], token: { id } } })
const admin = { name: 'admin', domain: { name: 'Default' } }

test('a login that makes an administrator is for the home of the default domain', async (t) => {
  const identity = await openUntrusted(t)
  assert.deepEqual(await writesOfLogin(identity, byPassword(admin)), atHome)
})

test('every other login stays here, that of nobody too', async (t) => {
  const identity = await openUntrusted(t)
  const ghost = { name: 'ghost', domain: { id: 'default' } }
  for (const user of [{ id: identity.user }, ghost, { id: 'unknown' }])
    assert.equal(await writesOfLogin(identity, byPassword(user)), undefined)
  assert.equal(await writesOfLogin(identity, { identity: { methods: ['password'] } }), undefined)
})

test('a role that the default domain gives makes the difference', async (t) => {
  const identity = await openUntrusted(t)
  const { user, project } = identity
  await identity.grant({ role: 'manager', user, project })
  assert.deepEqual(await writesOfLogin(identity, byPassword({ id: user })), atHome)
})

test('a token is exchanged where it counts: one of this site here', async (t) => {
  const identity = await openUntrusted(t)
  assert.equal(await writesOfLogin(identity, byToken(identity.admin)), undefined)
})

test('at a site that the default domain trusts, all logins stay', async (t) => {
  const identity = await openTestIdentity(t)
  assert.equal(await writesOfLogin(identity, byPassword(admin)), undefined)
})
