import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { systemClock, systemRandom } from '@atoll/kit'
import { admitterOfCloud, clockAt, testCloud, testSite } from '../testing.ts'
import { renewPeer } from './authority.ts'
import { KeysCorrupt, KeysExist, KeysExposed, KeysMissing } from './errors.ts'
import type { KeyRing } from './key-ring.ts'
import { KeyStore } from './key-store.ts'
import { createCertificateRequest, proveSite, renewSite } from './renewal.ts'

const founder = await testCloud()

async function temporaryDirectory(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'atoll-keys-'))
  t.after(() => rm(parent, { recursive: true }))
  return join(parent, 'keys')
}

test('what was written is read again, and only its owner may read it', async (t) => {
  const directory = await temporaryDirectory(t)
  await KeyStore.create(directory, founder)
  const store = await KeyStore.open(directory)
  assert.deepEqual(store.keys, founder)
  assert.deepEqual(store.identity, { cloud: 'reef', site: 'a', peer: 'peer-1' })
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
  assert.equal(await modeOf(directory), '700')
  for (const name of await readdir(directory)) assert.equal(await modeOf(join(directory, name)), '600', name)
})

test('a site that has joined has no key of the cloud authority', async (t) => {
  const directory = await temporaryDirectory(t)
  await KeyStore.create(directory, await testSite({ cloudAuthority: founder.cloudAuthority, site: 'b' }))
  const store = await KeyStore.open(directory)
  assert.equal(store.keys.cloudAuthority.privateKey, undefined)
})

test('what the cloud certifies anew replaces what there was, in files and in memory', async (t) => {
  const { cloudAuthority } = founder
  const [directory, codes] = [await temporaryDirectory(t), { first: 300, last: 309 }]
  const keys = await testSite({ cloudAuthority, site: 'b' })
  const store = await KeyStore.create(directory, keys)
  const { certificate: admits } = await admitterOfCloud({ cloudAuthority, site: 'b', codes, keys })
  const answer = await renewed(keys)
  await store.replaceSiteCertificates({ site: { certificate: answer.siteCertificate }, admits })
  assert.equal(store.keys.site.certificate, answer.siteCertificate)
  assert.deepEqual((await KeyStore.open(directory)).keys, store.keys)
  assert.equal(store.keys.admits?.certificate, admits)

  const other = await testSite({ cloudAuthority, site: 'c' })
  const foreign = await admitterOfCloud({ cloudAuthority, site: 'c', codes, keys })
  for (const bad of [
    { site: { certificate: other.site.certificate } },
    { site: { certificate: answer.siteCertificate, admitter: admits } },
    { admits: other.site.certificate },
    { admits: foreign.certificate },
  ])
    await assert.rejects(store.replaceSiteCertificates(bad), KeysCorrupt.is)
  assert.deepEqual((await KeyStore.open(directory)).keys, store.keys, 'a refusal changes nothing')
})

test('a site that another one has admitted is renewed by the cloud itself, whatever a crash leaves behind', async (t) => {
  const { cloudAuthority } = founder
  const directory = await temporaryDirectory(t)
  const codes = { first: 300, last: 309 }
  const b = await testSite({ cloudAuthority, site: 'b' })
  const admitter = await admitterOfCloud({ cloudAuthority, site: 'b', codes, keys: b })
  const { certificate } = admitter
  const made = await testSite({ cloudAuthority: admitter, site: 'b--c', code: 300 })
  const keys = {
    ...made,
    cloudAuthority: { certificate: cloudAuthority.certificate },
    admitter: { certificate },
  }
  await KeyStore.create(directory, keys)
  const store = await KeyStore.open(directory)
  assert.deepEqual(store.keys, keys)
  const answer = await renewed(keys)
  assert.equal(answer.admitterCertificate, undefined)
  await store.replaceSiteCertificates({ site: { certificate: answer.siteCertificate } })
  assert.equal(store.keys.admitter, undefined)
  // As when the process had died before it removed what stood above the former certificate.
  await writeFile(join(directory, 'admitter.crt'), certificate, { mode: 0o600 })
  assert.deepEqual((await KeyStore.open(directory)).keys, store.keys)
})

async function renewed(keys: KeyRing) {
  const request = await createCertificateRequest(keys)
  const { cloudAuthority } = founder
  const proven = await proveSite({ request, cloudAuthority, nowMs: Date.now(), graceMs: 0 })
  const clock = clockAt(Date.now() + 86_400_000)
  return renewSite({ clock, random: systemRandom, proven, by: { cloudAuthority } })
}

test('existing keys are never overwritten', async (t) => {
  const directory = await temporaryDirectory(t)
  await KeyStore.create(directory, founder)
  await assert.rejects(KeyStore.create(directory, await testCloud()), KeysExist.is)
  assert.deepEqual((await KeyStore.open(directory)).keys, founder)
})

test('each missing file, and a missing directory, is named', async (t) => {
  const directory = await temporaryDirectory(t)
  await assert.rejects(KeyStore.open(directory), KeysMissing.is)
  for (const name of ['ca.crt', 'site.crt', 'site.key', 'signing.key', 'peer.crt', 'peer.key']) {
    await rm(directory, { recursive: true, force: true })
    await KeyStore.create(directory, founder)
    await rm(join(directory, name))
    const isNamed = (error: unknown) => KeysMissing.is(error) && error.message.includes(name)
    await assert.rejects(KeyStore.open(directory), isNamed)
  }
})

test('each corrupt file is named', async (t) => {
  const directory = await temporaryDirectory(t)
  await KeyStore.create(directory, founder)
  for (const name of ['ca.crt', 'ca.key', 'site.crt', 'site.key', 'signing.key', 'peer.crt', 'peer.key']) {
    const path = join(directory, name)
    const whole = await readFile(path)
    const isNamed = (error: unknown) => KeysCorrupt.is(error) && error.message.includes(name)
    for (const size of [0, 100]) {
      await truncate(path, size)
      await assert.rejects(KeyStore.open(directory), isNamed)
    }
    await writeFile(path, 'x'.repeat(20_000))
    await assert.rejects(KeyStore.open(directory), isNamed)
    await writeFile(path, whole)
  }
  await KeyStore.open(directory)
})

test('keys of another peer and certificates of another cloud are found out', async (t) => {
  const directory = await temporaryDirectory(t)
  const other = await testCloud()
  await KeyStore.create(directory, founder)
  await writeFile(join(directory, 'peer.key'), other.peer.privateKey)
  await assert.rejects(KeyStore.open(directory), KeysCorrupt.is)
  await writeFile(join(directory, 'peer.crt'), other.peer.certificate)
  await assert.rejects(KeyStore.open(directory), KeysCorrupt.is)
})

test('a key that others can read is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  await KeyStore.create(directory, founder)
  await chmod(join(directory, 'site.key'), 0o640)
  await assert.rejects(KeyStore.open(directory), KeysExposed.is)
})

test('a renewed certificate replaces the old one on disk and in use', async (t) => {
  const directory = await temporaryDirectory(t)
  const store = await KeyStore.create(directory, founder)
  const certificate = await renewPeer({ keys: store.keys, clock: systemClock, random: systemRandom })
  await store.replacePeerCertificate(certificate)
  assert.equal(store.keys.peer.certificate, certificate)
  assert.equal((await KeyStore.open(directory)).keys.peer.certificate, certificate)
  const { peer } = await testCloud()
  await assert.rejects(store.replacePeerCertificate(peer.certificate), KeysCorrupt.is)
  assert.equal(store.keys.peer.certificate, certificate)
})
