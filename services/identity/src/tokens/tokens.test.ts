import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { Unauthorized } from '@atoll/http'
import { seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { cloudScope, openTestState, type State, trustEverybody } from '@atoll/state'
import { domains, identityRecords, revocations, users } from '../records.ts'
import { manualClock, openTestIdentity, openTestTokens, testKeys } from '../testing.ts'
import { forgetRevocations } from './forget-revocations.ts'
import { createTokens, type TokenKeys, type TokenSubject, type Tokens } from './tokens.ts'

const subject: TokenSubject = {
  userId: 'u'.repeat(32),
  userDomainId: 'default',
  projectId: 'p'.repeat(32),
  projectDomainId: 'default',
  domainId: null,
  roleNames: ['member'],
  methods: ['password'],
}
const scope = cloudScope('test')

interface SiteOptions {
  readonly name?: string
  readonly code?: number
  readonly keys?: TokenKeys
  readonly clock?: ReturnType<typeof manualClock>
  readonly sites?: readonly string[]
}

/** Tokens of a site with an empty store, in which the default domain trusts `sites`. */
async function openSite(t: TestContext, options: SiteOptions = {}) {
  const { name = 'here', code = 1, clock = manualClock(), sites = [name] } = options
  const { keys = testKeys(`key-of-${name}`) } = options
  const site = { name, code }
  const state = await openTestState({
    records: identityRecords,
    site,
    clock,
    after: (clean) => t.after(clean),
  })
  await state.transaction(async (transaction) => {
    for (const id of ['default', 'reef'])
      await transaction.insert(domains, { id, name: id, description: '', enabled: true, sites })
  })
  return { state, clock, keys, tokens: await openTestTokens(t, { state, clock, keys }) }
}

async function insertUser(state: State, enabled = true): Promise<string> {
  const row = await state.transaction((transaction) =>
    transaction.insert(users, {
      id: subject.userId,
      name: 'ann',
      domain_id: 'default',
      description: '',
      email: null,
      enabled,
      default_project_id: null,
      password_hash: null,
      tokens_valid_from_ms: 0,
      extra: {},
    }),
  )
  return row.id
}

const revoke = (state: State, audit_id: string, issued_before_ms: number | null = null) =>
  state.transaction((transaction) =>
    transaction.insert(revocations, { audit_id, issued_before_ms, expires_at_ms: 2_000_000_000_000 }),
  )

const refuses = (tokens: Tokens, text: string) => assert.throws(() => tokens.verify(text), Unauthorized.is)

test('a token says what it was issued for, in less than a kilobyte', async (t) => {
  const { tokens, clock } = await openSite(t)
  const { text, token } = tokens.issue(subject)
  assert.ok(text.length < 1000, `${text.length} bytes`)
  const { userId, projectId, roles, expiresAtMs, auditId } = tokens.verify(text)
  assert.deepEqual([userId, projectId, roles], [subject.userId, subject.projectId, ['member', 'reader']])
  assert.equal(expiresAtMs, clock.nowMs() + 3_600_000)
  assert.equal(auditId, token.auditId)
})

test('another site verifies it with nothing but the public key', async (t) => {
  const far = await openSite(t, { name: 'far' })
  const here = await openSite(t, { keys: testKeys('key-of-here', [far.keys]) })
  assert.equal(here.tokens.verify(far.tokens.issue(subject).text).userId, subject.userId)
})

test('a token of an unknown site, a forged, cut, endless or empty one is refused', async (t) => {
  const [here, stranger] = [await openSite(t), await openSite(t, { name: 'stranger' })]
  const { text } = here.tokens.issue(subject)
  const [header = '', payload = '', signature = ''] = text.split('.')
  const other = Buffer.from(payload, 'base64url').toString().replace('"member"', '"admin"')
  const forged = [header, Buffer.from(other).toString('base64url'), signature].join('.')
  const bad = [stranger.tokens.issue(subject).text, forged, text.slice(0, -1), '', '..', 'a'.repeat(100_000)]
  for (const each of bad) refuses(here.tokens, each)
})

test('a token ends with its life, verified before or not', async (t) => {
  const { tokens, clock } = await openSite(t)
  const [seen, unseen] = [tokens.issue(subject).text, tokens.issue(subject).text]
  tokens.verify(seen)
  clock.advance(3_599_999)
  tokens.verify(seen)
  clock.advance(1)
  refuses(tokens, seen)
  refuses(tokens, unseen)
})

test('a second verification answers with what the first one found', async (t) => {
  const { tokens } = await openSite(t)
  const { text } = tokens.issue(subject)
  assert.equal(tokens.verify(text), tokens.verify(text))
})

test('a site whose key is withdrawn is refused, although its token was verified before', async (t) => {
  const far = await openSite(t, { name: 'far' })
  const known = testKeys('key-of-here', [far.keys])
  let isKnown = true
  const keys = {
    ...known,
    publicKeyOf: (kid: string) => (isKnown || kid === known.kid ? known.publicKeyOf(kid) : undefined),
  }
  const here = await openSite(t, { keys })
  const { text } = far.tokens.issue(subject)
  here.tokens.verify(text)
  isKnown = false
  refuses(here.tokens, text)
})

test('revocations defeat the cache: of a token, a user, a project, a domain, a grant, a role', async (t) => {
  const names = [
    (auditId: string) => auditId,
    () => subject.userId,
    () => String(subject.projectId),
    () => 'default',
    () => `${subject.userId}:${subject.projectId}`,
    () => 'role:member',
  ]
  for (const nameOf of names) {
    const { tokens, state, clock } = await openSite(t)
    const { text, token } = tokens.issue(subject)
    tokens.verify(text)
    await revoke(state, nameOf(token.auditId), clock.nowMs() + 1)
    await tokens.settled()
    refuses(tokens, text)
    if (nameOf(token.auditId) !== token.auditId) tokens.verify(tokens.issue(subject).text)
  }
})

test('what was revoked stays so after a restart, and another token of the user is untouched', async (t) => {
  const { tokens, state, clock, keys } = await openSite(t)
  const [gone, kept] = [tokens.issue(subject), tokens.issue(subject)]
  await revoke(state, gone.token.auditId)
  const restarted = await openTestTokens(t, { state, clock, keys })
  refuses(restarted, gone.text)
  restarted.verify(kept.text)
})

test('a user who is disabled here or elsewhere is void until enabled again', async (t) => {
  const far = await openSite(t, { name: 'far', code: 2, sites: ['far', 'here'] })
  const here = await openSite(t, { keys: testKeys('key-of-here', [far.keys]), sites: ['far', 'here'] })
  const id = await insertUser(far.state)
  const { text } = here.tokens.issue(subject)
  const follow = async () => {
    const after = await here.state.feed.cursor('far')
    const page = await far.state.feed.read({ home: 'far', follower: 'here', after, limit: 100 })
    const entries = page.entries.filter(({ table }) => table === users.name)
    await here.state.feed.apply({ ...page, entries }, trustEverybody)
    await here.tokens.settled()
  }
  const set = (enabled: boolean) =>
    far.state.transaction((transaction) => transaction.update(users, id, { enabled }))
  await follow()
  here.tokens.verify(text)
  await set(false)
  await follow()
  refuses(here.tokens, text)
  assert.throws(() => here.tokens.issue(subject), Unauthorized.is)
  refuses(await openTestTokens(t, here), text)
  await set(true)
  await follow()
  here.tokens.verify(text)
  await far.state.transaction((transaction) => transaction.remove(users, id))
  await follow()
  refuses(here.tokens, text)
})

test('a changed password makes older tokens void, and a new one counts at once', async (t) => {
  const { tokens, state } = await openSite(t)
  const id = await insertUser(state)
  const { text } = tokens.issue(subject)
  await state.transaction((transaction) =>
    transaction.update(users, id, { tokens_valid_from_ms: transaction.nowMs + 1 }),
  )
  await tokens.settled()
  refuses(tokens, text)
  tokens.verify(tokens.issue(subject).text)
})

const standings: readonly [what: string, subject: Partial<TokenSubject>, roles: readonly string[]][] = [
  ['the default domain', {}, ['admin', 'manager', 'member', 'reader']],
  ['another domain', { projectDomainId: 'reef' }, ['manager', 'member', 'reader']],
  [
    'another domain itself',
    { projectId: null, projectDomainId: null, domainId: 'reef' },
    ['manager', 'member', 'reader'],
  ],
  ['nothing', { projectId: null, projectDomainId: null }, ['member', 'reader']],
  [
    'a domain that trusts nobody, here where it was issued',
    { projectDomainId: 'lagoon' },
    ['manager', 'member', 'reader'],
  ],
  ['another domain, in capitals', { projectDomainId: 'reef', roleNames: ['ADMIN', 'Service'] }, []],
]
for (const [what, changed, roles] of standings) {
  test(`the role admin on ${what} counts as: ${roles.join(', ') || 'nothing'}`, async (t) => {
    const { tokens } = await openSite(t)
    const { text } = tokens.issue({ ...subject, roleNames: ['admin'], ...changed })
    assert.deepEqual([...tokens.verify(text).roles].sort(), [...roles])
  })
}

test('a site that a domain does not trust makes neither its administrators nor its managers', async (t) => {
  const captured = await openSite(t, { name: 'captured' })
  const here = await openSite(t, { keys: testKeys('key-of-here', [captured.keys]) })
  const { text } = captured.tokens.issue({ ...subject, roleNames: ['admin'] })
  const trust = async (sites: readonly string[]) => {
    await here.state.transaction((transaction) => transaction.update(domains, 'default', { sites }))
    await here.tokens.settled()
  }
  assert.deepEqual(here.tokens.verify(text).roles, ['member', 'reader'])
  await trust(['here', 'captured'])
  assert.deepEqual(here.tokens.verify(text).roles, ['admin', 'manager', 'member', 'reader'])
  await trust(['here'])
  assert.deepEqual(here.tokens.verify(text).roles, ['member', 'reader'])
})

test('no token is made from one by which another site speaks for a user of a domain that does not trust it', async (t) => {
  const captured = await openSite(t, { name: 'captured' })
  const here = await openSite(t, { keys: testKeys('key-of-here', [captured.keys]) })
  const vouched = here.tokens.verify(captured.tokens.issue(subject).text)
  assert.throws(() => here.tokens.issue({ ...subject, from: vouched }), Unauthorized.is)
  const own = here.tokens.verify(here.tokens.issue({ ...subject, userDomainId: 'lagoon' }).text)
  here.tokens.verify(here.tokens.issue({ ...subject, from: own }).text)
})

test('more roles than a token can hold is an error that says so', async (t) => {
  const { tokens } = await openSite(t)
  const roleNames = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(255, 'x'))
  assert.throws(() => tokens.issue({ ...subject, roleNames }), { code: 'identity.token.too_large' })
})

test('a revocation is forgotten once it has expired, and not before', async (t) => {
  const { state, clock } = await openSite(t)
  const insert = (expires_at_ms: number) =>
    state.transaction((transaction) =>
      transaction.insert(revocations, { audit_id: 'a', issued_before_ms: null, expires_at_ms }),
    )
  await insert(clock.nowMs() + 1000)
  const later = await insert(clock.nowMs() + 2000)
  const left = async () => {
    await forgetRevocations({ state, clock })
    return (await state.select(scope, revocations).select('id').execute()).map(({ id }) => id)
  }
  assert.equal((await left()).length, 2)
  clock.advance(1000)
  assert.deepEqual(await left(), [later.id])
})

test('many verified tokens take bounded room, and all of them stay good', async (t) => {
  const { state } = await openTestIdentity(t)

  const tokens = await createTokens({
    state,
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    keys: testKeys('key-of-here'),
    cachedMax: 2,
  })
  t.after(() => tokens.close())
  const texts = [1, 2, 3, 4].map(() => tokens.issue(subject).text)
  const first = texts.map((text) => tokens.verify(text))
  assert.equal(tokens.verify(texts[3] ?? ''), first[3])
  assert.notEqual(tokens.verify(texts[0] ?? ''), first[0])
})
