import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { silentLogger } from '@atoll/kit'
import { StoreKindUnknown, StoreUrlInvalid } from '@atoll/rome'
import { DataInUse, DataUnusable, lockData } from './data-lock.ts'
import { foundSite, JoinAddressInvalid, joinCloud, readAdminPassword, SiteExists } from './found-site.ts'
import { runPeer } from './run-peer.ts'
import { readSettings, type Settings, SettingsInvalid, storeUrlOf, writeSettings } from './settings.ts'
import { readSiteFile, SiteCorrupt, SiteMissing } from './site-file.ts'

const settings: Settings = { api: {}, peer: {}, host: { hypervisor: 'none' }, log: {} }

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-data-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function founded(t: TestContext): Promise<string> {
  const dataDirectory = temporary(t)
  await foundSite({ dataDirectory, siteName: 'east', cloudName: 'reef', settings })
  return dataDirectory
}

test('a founded directory says who the site is and keeps the first password', async (t) => {
  const dataDirectory = await founded(t)
  const { cloud, site, founder } = readSiteFile(dataDirectory)
  assert.deepEqual({ cloud, site, founder }, { cloud: 'reef', site: 'east', founder: 'east' })
  assert.match(readAdminPassword(dataDirectory) ?? '', /^[\w-]{20}$/)
})

test('a directory with a site is neither founded nor joined again', async (t) => {
  const dataDirectory = await founded(t)
  const again = { dataDirectory, siteName: 'west', settings }
  await assert.rejects(foundSite({ ...again, cloudName: 'other' }), SiteExists.is)
  const token = 'atoll1.a.b.c'
  await assert.rejects(joinCloud({ ...again, url: 'https://127.0.0.1:1', token }), SiteExists.is)
})

test('a directory serves one peer at a time', async (t) => {
  const dataDirectory = await founded(t)
  const release = lockData(dataDirectory)
  assert.throws(() => lockData(dataDirectory), DataInUse.is)
  release()
  lockData(dataDirectory)()
})

test('a directory that is not there cannot be used, in words', () => {
  assert.throws(() => lockData('/proc/nowhere'), DataUnusable.is)
})

test('an address without a scheme or a port is none to join at', async (t) => {
  const dataDirectory = temporary(t)
  for (const url of ['east', 'http://127.0.0.1:1', 'https://127.0.0.1', 'https://']) {
    const joining = joinCloud({ dataDirectory, siteName: 'west', settings, url, token: 'atoll1.a.b.c' })
    await assert.rejects(joining, JoinAddressInvalid.is)
  }
})

test('settings that cannot be used are named with their file', async (t) => {
  const dataDirectory = await founded(t)
  for (const text of ['api: {port: banana}', 'colour: blue', 'api: [', 'api: {port: 70000}']) {
    writeFileSync(join(dataDirectory, 'settings.yaml'), text)
    assert.throws(() => readSettings(dataDirectory), SettingsInvalid.is)
  }
})

test('failure domains are labels of two words, few and each once', async (t) => {
  const dataDirectory = await founded(t)
  const write = (labels: readonly string[]) =>
    writeFileSync(join(dataDirectory, 'settings.yaml'), `peer: {failureDomains: ${JSON.stringify(labels)}}`)
  write(['grid:north', 'provider:acme-2'])
  assert.deepEqual(readSettings(dataDirectory).peer.failureDomains, ['grid:north', 'provider:acme-2'])
  const many = Array.from({ length: 17 }, (_, index) => `rack:${index}`)
  for (const labels of [['north'], ['Grid:north'], ['grid:north', 'grid:north'], many]) {
    write(labels)
    assert.throws(() => readSettings(dataDirectory), SettingsInvalid.is)
  }
})

test('a store that cannot be is refused before the settings are written', async (t) => {
  const dataDirectory = await founded(t)
  const withStore = (store: string) => () => writeSettings(dataDirectory, { ...settings, store })
  assert.throws(withStore('redis'), StoreUrlInvalid.is)
  assert.throws(withStore('papyrus://192.0.2.7'), StoreKindUnknown.is)
  assert.equal(storeUrlOf('/a #1', readSettings(dataDirectory)), 'sqlite:/a%20%231/state.sqlite')
})

test('no complaint about the settings shows the password of the store', async (t) => {
  const dataDirectory = await founded(t)
  const broken = [
    'store: redis://:hunter2@h\napi: [',
    'store: [redis://:hunter2@h',
    'store: {redis://:hunter2@h: 1}',
  ]
  for (const text of broken) {
    writeFileSync(join(dataDirectory, 'settings.yaml'), text)
    assert.throws(
      () => readSettings(dataDirectory),
      (error) => SettingsInvalid.is(error) && !inspect(error).includes('hunter2'),
    )
  }
})

test('a site file that is missing and one that is damaged are told apart', async (t) => {
  assert.throws(() => readSiteFile('/nowhere'), SiteMissing.is)
  const dataDirectory = await founded(t)
  writeFileSync(join(dataDirectory, 'site.json'), '{"site":')
  assert.throws(() => readSiteFile(dataDirectory), SiteCorrupt.is)
})

test('a peer starts, answers, stops, and lets its directory go', async (t) => {
  const dataDirectory = temporary(t)
  const free = { api: { port: await freePort() }, peer: { port: await freePort() } }
  await foundSite({ dataDirectory, siteName: 'east', cloudName: 'reef', settings: { ...settings, ...free } })
  const stop = new AbortController()
  const ready = Promise.withResolvers<string>()
  const running = runPeer({
    dataDirectory,
    log: silentLogger,
    signal: stop.signal,
    onReady: ({ apiUrl }) => ready.resolve(apiUrl),
  })
  const apiUrl = await Promise.race([ready.promise, running.then(() => '')])
  assert.equal((await fetch(`${apiUrl}/identity/v3`)).status, 200)
  stop.abort()
  await running
  lockData(dataDirectory)()
})

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
