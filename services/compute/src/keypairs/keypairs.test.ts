import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { seededRandom } from '@atoll/kit'
import { openTestCloud } from '../testing/test-cloud.ts'
import { fingerprintOf, makeKeyPair } from './openssh.ts'

const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEfx1cdYHJBhHhPoqUiUjSYvUVFxMrqY1mBMmhkAHhGl me@here'
const post = (keypair: object, version = '2.1', token = 'member') =>
  ({ method: 'POST', body: { keypair }, version, token }) as const

test("a key is imported, listed, shown and deleted, each with its version's status", async (t) => {
  const cloud = await openTestCloud(t)
  const created = await cloud.call('/v2.1/os-keypairs', post({ name: 'mine', public_key: publicKey }))
  assert.deepEqual(
    [created.status, created.body.keypair.user_id, 'type' in created.body.keypair],
    [200, 'member-user', false],
  )
  assert.match(created.body.keypair.fingerprint, /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/)
  assert.equal(
    (await cloud.call('/v2.1/os-keypairs', post({ name: 'mine', public_key: publicKey }, '2.2'))).status,
    409,
  )
  const shown = (await cloud.call('/v2.1/os-keypairs/mine', { version: '2.2' })).body.keypair
  assert.deepEqual(
    [shown.type, shown.public_key, shown.deleted, Number.isSafeInteger(shown.id)],
    ['ssh', publicKey, false, true],
  )
  assert.equal((await cloud.call('/v2.1/os-keypairs', { token: 'other' })).body.keypairs.length, 0)
  const gone = await cloud.call('/v2.1/os-keypairs/mine', { method: 'DELETE', version: '2.2' })
  assert.equal(gone.status, 204)
  const reply = await cloud.call('/v2.1/os-keypairs/mine')
  assert.equal(reply.body.itemNotFound.message, 'Keypair mine not found for user member-user')
})

test('an administrator may name another user since 2.10, nobody else may', async (t) => {
  const cloud = await openTestCloud(t)
  const keypair = { name: 'theirs', public_key: publicKey, user_id: 'other-user' }
  assert.equal((await cloud.call('/v2.1/os-keypairs', post(keypair, '2.10'))).status, 403)
  assert.equal((await cloud.call('/v2.1/os-keypairs', post(keypair, '2.9', 'admin'))).status, 400)
  assert.equal((await cloud.call('/v2.1/os-keypairs', post(keypair, '2.10', 'admin'))).status, 201)
  assert.equal((await cloud.call('/v2.1/os-keypairs/theirs', { token: 'other' })).status, 200)
  const listed = await cloud.call('/v2.1/os-keypairs?user_id=other-user', { token: 'admin', version: '2.10' })
  assert.equal(listed.body.keypairs.length, 1)
})

test('keys are paged by name since 2.35', async (t) => {
  const cloud = await openTestCloud(t)
  for (const name of ['c', 'a', 'b'])
    await cloud.call('/v2.1/os-keypairs', post({ name, public_key: publicKey }))
  const { body } = await cloud.call('/v2.1/os-keypairs?limit=2', { version: '2.35' })
  assert.deepEqual(
    body.keypairs.map(({ keypair }: { keypair: { name: string } }) => keypair.name),
    ['a', 'b'],
  )
  assert.match(body.keypairs_links[0].href, /marker=b/)
  assert.equal((await cloud.call('/v2.1/os-keypairs?marker=z', { version: '2.35' })).status, 400)
})

const bad: readonly [why: string, keypair: object, version?: string][] = [
  ['no key', { name: 'k', public_key: 'hello' }],
  ['two lines', { name: 'k', public_key: `${publicKey}\n${publicKey}` }],
  ['another algorithm than it says', { name: 'k', public_key: publicKey.replace('ssh-ed25519', 'ssh-rsa') }],
  ['a bad name', { name: 'k/k', public_key: publicKey }],
  ['no certificate', { name: 'k', public_key: publicKey, type: 'x509' }, '2.2'],
]
for (const [why, keypair, version] of bad) {
  test(`a keypair with ${why} is 400`, async (t) => {
    const cloud = await openTestCloud(t)
    assert.equal((await cloud.call('/v2.1/os-keypairs', post(keypair, version))).status, 400)
  })
}

test('a private key is made once, and OpenSSH reads it', async (t) => {
  const cloud = await openTestCloud(t)
  const { keypair } = (await cloud.call('/v2.1/os-keypairs', post({ name: 'new' }))).body
  assert.equal(keypair.fingerprint, fingerprintOf(keypair.public_key))
  assert.equal('private_key' in (await cloud.call('/v2.1/os-keypairs/new')).body.keypair, false)
  if (!existsSync('/usr/bin/ssh-keygen')) return t.skip('ssh-keygen is not installed')
  const directory = mkdtempSync(join(tmpdir(), 'atoll-key-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'id')
  writeFileSync(path, keypair.private_key)
  chmodSync(path, 0o600)
  const read = execFileSync('/usr/bin/ssh-keygen', ['-y', '-P', '', '-f', path], { encoding: 'utf8' })
  assert.equal(read.split(' ').slice(0, 2).join(' '), keypair.public_key.split(' ').slice(0, 2).join(' '))
  const md5 = execFileSync('/usr/bin/ssh-keygen', ['-l', '-E', 'md5', '-f', path], { encoding: 'utf8' })
  assert.match(md5, new RegExp(`MD5:${keypair.fingerprint}`))
})

test('two pairs are never the same', async () => {
  const random = seededRandom(1)
  const [first, second] = [await makeKeyPair(random, 'a'), await makeKeyPair(random, 'a')]
  assert.notEqual(first.publicKey, second.publicKey)
})
