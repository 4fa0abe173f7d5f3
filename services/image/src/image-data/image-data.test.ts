import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import test from 'node:test'
import { silentLogger } from '@atoll/kit'
import { cloudScope } from '@atoll/state'
import { images as imageTable } from '../records.ts'
import { openImages, type TestImages, testClock } from '../testing.ts'
import { createImageGarbageCollection, createUploadRepair } from './reconcilers.ts'

const MIB = 1024 * 1024
const content = Buffer.concat([Buffer.alloc(MIB, 7), Buffer.alloc(MIB), Buffer.from('tail')])
const md5 = createHash('md5').update(content).digest('hex')

async function statusOf({ call }: TestImages, id: string): Promise<string> {
  return (await call('admin', 'GET', `/v2/images/${id}`)).json.status
}

/** Waits until `holds`, a bounded number of turns of the event loop. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (await holds()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('it did not come true')
}

test('what was uploaded is downloaded, with its sums', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const empty = await world.call('owner', 'GET', `/v2/images/${id}/file`)
  assert.deepEqual([empty.status, empty.bytes.length], [204, 0])
  assert.equal((await world.upload(id, content)).status, 204)
  const { json } = await world.call('owner', 'GET', `/v2/images/${id}`)
  assert.deepEqual(
    [json.status, json.size, json.virtual_size, json.checksum, json.os_hash_algo, json.os_hash_value],
    [
      'active',
      content.length,
      content.length,
      md5,
      'sha512',
      createHash('sha512').update(content).digest('hex'),
    ],
  )
  const file = await world.call('owner', 'GET', `/v2/images/${id}/file`)
  assert.deepEqual(
    [file.status, file.headers['content-md5'], file.headers['content-length'], file.headers['content-type']],
    [200, md5, String(content.length), 'application/octet-stream'],
  )
  assert.ok(file.bytes.equals(content))
})

const ranges: readonly [range: string, expected: string | undefined][] = [
  ['bytes=0-0', `bytes 0-0/${content.length}`],
  ['bytes=1048570-2097155', `bytes 1048570-2097155/${content.length}`],
  ['bytes=2097152-', `bytes 2097152-2097155/${content.length}`],
  ['bytes=-4', `bytes 2097152-2097155/${content.length}`],
  ['bytes=5-99999999', `bytes 5-${content.length - 1}/${content.length}`],
  ['bytes=2097156-', undefined],
  ['bytes=5-4', undefined],
  ['bytes=-0', undefined],
  ['bytes=-', undefined],
  ['bytes=0-1,3-4', undefined],
  ['pages=1-2', undefined],
]
for (const [range, expected] of ranges) {
  test(`a range: ${range}`, async (t) => {
    const world = await openImages(t)
    const id = await world.create()
    await world.upload(id, content)
    const reply = await world.call('owner', 'GET', `/v2/images/${id}/file`, { headers: { range } })
    if (expected === undefined) return assert.equal(reply.status, 416)
    assert.deepEqual(
      [reply.status, reply.headers['content-range'], reply.headers['content-md5']],
      [206, expected, undefined],
    )
    const [, from, to] = /(\d+)-(\d+)/.exec(expected) ?? []
    assert.ok(reply.bytes.equals(content.subarray(Number(from), Number(to) + 1)))
  })
}

test('uploads that cannot be are refused, and the image stays queued', async (t) => {
  const world = await openImages(t)
  const { call, create, upload } = world
  const bare = await create({ disk_format: null, container_format: null })
  const missing = await upload(bare, content)
  assert.deepEqual(
    [missing.status, missing.json.message],
    [400, 'Properties disk_format, container_format must be set prior to saving data.'],
  )
  const id = await create({ disk_format: 'qcow2' })
  assert.equal((await call('owner', 'PUT', `/v2/images/${id}/file`, { body: {} })).status, 415)
  const mismatch = await upload(id, content)
  assert.equal(mismatch.status, 415)
  assert.match(mismatch.json.message, /does not match disk_format: expected qcow2 but detected as raw/)
  assert.equal((await upload(id, content, 'reader')).status, 403)
  assert.equal((await upload(id, content, 'other')).status, 404)
  assert.equal(await statusOf(world, id), 'queued')
})

test('data is uploaded once', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  await world.upload(id, content)
  const again = await world.upload(id, content)
  assert.deepEqual(
    [again.status, again.json.message],
    [409, 'Image status transition from active to saving is not allowed'],
  )
  const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
  const body = [{ op: 'replace', path: '/disk_format', value: 'qcow2' }]
  const reply = await world.call('owner', 'PATCH', `/v2/images/${id}`, { body, headers })
  assert.deepEqual(
    [reply.status, reply.json.message],
    [403, 'Attribute disk_format can be only replaced for a queued image.'],
  )
})

test('of two uploads of one image exactly one wins', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const replies = await Promise.all([1, 2, 3].map((byte) => world.upload(id, Buffer.alloc(MIB + 1, byte))))
  assert.deepEqual(replies.map(({ status }) => String(status)).sort(), ['204', '409', '409'])
  assert.equal(await statusOf(world, id), 'active')
})

test('a client that goes away in the middle leaves the image queued, and can try again', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const url = `${await world.server.listen({ port: 0, host: '127.0.0.1' })}/image/v2/images/${id}/file`
  const headers = {
    'x-auth-token': 'owner',
    'content-type': 'application/octet-stream',
    'content-length': '9999999',
  }
  const client = request(url, { method: 'PUT', headers })
  const closed = new Promise((resolve) => client.once('error', resolve).once('close', resolve))
  client.write(content)
  await until(async () => (await statusOf(world, id)) === 'saving')
  assert.equal((await world.upload(id, content)).status, 409)
  client.destroy()
  await closed
  await until(async () => (await statusOf(world, id)) === 'queued')
  await until(async () => (await world.upload(id, content)).status === 204)
  assert.equal(await statusOf(world, id), 'active')
})

test('an image that is deleted during its upload stays deleted', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const deleted = Promise.withResolvers<void>()
  async function* source() {
    yield content
    await deleted.promise
  }
  const caller = { ...administrator(), signal: new AbortController().signal }
  const uploading = world.uploads.upload(caller, id, Readable.from(source()))
  await until(async () => (await statusOf(world, id)) === 'saving')
  assert.equal((await world.call('owner', 'DELETE', `/v2/images/${id}`)).status, 204)
  deleted.resolve()
  await assert.rejects(uploading, { code: 'image.gone', status: 410 })
  assert.equal((await world.call('admin', 'GET', `/v2/images/${id}`)).status, 404)
})

function administrator() {
  const authorization = {
    userId: 'a',
    userDomainId: 'd',
    projectId: 'p',
    domainId: null,
    roles: ['admin'],
    auditId: 'a',
    expiresAtMs: 0,
  }
  return { authorization, scope: cloudScope('test'), allows: () => true }
}

test('what a dead process left saving is put back, a running upload is not', async (t) => {
  const world = await openImages(t)
  const dead = await world.create()
  const running = await world.create()
  await world.state.transaction((transaction) => transaction.update(imageTable, dead, { status: 'saving' }))
  const held = Promise.withResolvers<void>()
  async function* source() {
    yield content
    await held.promise
  }
  const caller = { ...administrator(), signal: new AbortController().signal }
  const uploading = world.uploads.upload(caller, running, Readable.from(source()))
  await until(async () => (await statusOf(world, running)) === 'saving')
  const stop = new AbortController()
  const repair = createUploadRepair({ uploads: world.uploads, clock: testClock, log: silentLogger }).run(
    stop.signal,
  )
  await until(async () => (await statusOf(world, dead)) === 'queued')
  stop.abort()
  await repair
  assert.equal(await statusOf(world, running), 'saving')
  held.resolve()
  await uploading
  assert.equal(await statusOf(world, running), 'active')
})

test('a deactivated image gives its data to administrators only, until it is reactivated', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const act = (action: string) => world.call('owner', 'POST', `/v2/images/${id}/actions/${action}`)
  const refused = await act('deactivate')
  assert.deepEqual(
    [refused.status, refused.json.message],
    [403, "Not allowed to deactivate image in status 'queued'"],
  )
  await world.upload(id, content)
  assert.deepEqual([(await act('deactivate')).status, (await act('deactivate')).status], [204, 204])
  const file = (person: 'owner' | 'admin') => world.call(person, 'GET', `/v2/images/${id}/file`)
  assert.match((await file('owner')).json.message, /has been deactivated/)
  assert.equal((await file('admin')).status, 200)
  assert.equal((await act('reactivate')).status, 204)
  assert.equal((await file('owner')).status, 200)
})

test('bytes of another store are fetched once and verified', async (t) => {
  const far = await openImages(t)
  const id = await far.create()
  await far.upload(id, content)
  let fetched = 0
  let isBad = true
  const source = {
    manifest: (digest: string) => far.images.manifest(digest),
    chunk: async (digest: string) => {
      fetched++
      return isBad ? Buffer.from('other bytes') : far.images.chunk(digest)
    },
  }
  const near = await openImages(t, { state: far.state, sourceOf: () => source })
  assert.equal((await near.call('owner', 'GET', `/v2/images/${id}/file`)).status, 502)
  isBad = false
  fetched = 0
  for (let times = 0; times < 2; times++) {
    const reply = await near.call('owner', 'GET', `/v2/images/${id}/file`)
    assert.ok(reply.bytes.equals(content))
  }
  assert.equal(fetched, 2)
})

test('bytes that nobody can give now are 503, to be tried again', async (t) => {
  const far = await openImages(t)
  const id = await far.create()
  await far.upload(id, content)
  const broken = {
    manifest: () => Promise.reject(new Error('cut')),
    chunk: () => Promise.reject(new Error('cut')),
  }
  for (const sourceOf of [() => undefined, () => broken]) {
    const near = await openImages(t, { state: far.state, sourceOf })
    const reply = await near.call('owner', 'GET', `/v2/images/${id}/file`)
    assert.deepEqual([reply.status, reply.headers['retry-after']], [503, '10'])
  }
})

test('bytes are collected when no image refers to them any more', async (t) => {
  const world = await openImages(t)
  const [first, second] = [await world.create(), await world.create()]
  await world.upload(first, content)
  await world.upload(second, content)
  const collect = async () => {
    const stop = new AbortController()
    const collection = createImageGarbageCollection({
      ...world,
      clock: { ...testClock, nowMs: () => Date.now() + 60_000 },
      log: silentLogger,
      graceMs: 0,
    })
    const ended = collection.run(stop.signal)
    stop.abort()
    await ended
    return (await world.images.stats()).manifests
  }
  await world.call('owner', 'DELETE', `/v2/images/${first}`)
  assert.equal(await collect(), 1)
  assert.equal((await world.call('owner', 'GET', `/v2/images/${second}/file`)).status, 200)
  await world.call('owner', 'DELETE', `/v2/images/${second}`)
  assert.equal(await collect(), 0)
})

test('a gigabyte of zeros is uploaded in bounded memory', async (t) => {
  const world = await openImages(t)
  const id = await world.create()
  const url = `${await world.server.listen({ port: 0, host: '127.0.0.1' })}/image/v2/images/${id}/file`
  const piece = Buffer.alloc(MIB)
  const before = process.memoryUsage.rss()
  let highest = before
  async function* pieces() {
    for (let count = 0; count < 1024; count++) {
      highest = Math.max(highest, process.memoryUsage.rss())
      yield piece
    }
  }
  const headers = { 'x-auth-token': 'owner', 'content-type': 'application/octet-stream' }
  const status = await new Promise((resolve, reject) => {
    const client = request(url, { method: 'PUT', headers }, (reply) => resolve(reply.statusCode))
    Readable.from(pieces(), { objectMode: false }).pipe(client.once('error', reject))
  })
  assert.equal(status, 204)
  assert.equal((await world.call('owner', 'GET', `/v2/images/${id}`)).json.size, 1024 * MIB)
  assert.equal((await world.images.stats()).chunks, 0)
  assert.ok(highest - before < 128 * MIB, `${(highest - before) / MIB} MiB more than before`)
})
