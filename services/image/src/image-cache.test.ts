import assert from 'node:assert/strict'
import test from 'node:test'
import { silentLogger, systemClock } from '@atoll/kit'
import { createImageCache } from './image-cache.ts'
import { createCacheEviction } from './image-data/reconcilers.ts'
import { images } from './records.ts'
import { openImages, type TestImages, testClock } from './testing.ts'

const bytesOf = (byte: number) => Buffer.alloc(1000, byte)

async function active(world: TestImages, byte: number, values: object = {}): Promise<string> {
  const id = await world.create(values)
  await world.upload(id, bytesOf(byte))
  return id
}

function openCache(world: TestImages, nowMs = Date.now) {
  const clock = { ...testClock, nowMs }
  return createImageCache({ ...world, sourceOf: () => undefined, directory: '/cache', clock })
}

test('an image becomes one file, however many ask, and equal images are one', async (t) => {
  const world = await openImages(t)
  const [first, second] = [await active(world, 1), await active(world, 1)]
  const cache = openCache(world)
  const found = await Promise.all([first, first, second].map((id) => cache.pathOf(id)))
  assert.equal(new Set(found.map(({ path }) => path)).size, 1)
  assert.equal(found[0]?.format, 'raw')
  assert.deepEqual(await world.files.read(found[0]?.path ?? '', 9999), new Uint8Array(bytesOf(1)))
})

test('an image without data is no file', async (t) => {
  const world = await openImages(t)
  const cache = openCache(world)
  await assert.rejects(cache.pathOf(await world.create()), { code: 'image.not_active' })
  await assert.rejects(cache.pathOf('absent'), { code: 'image.not_found' })
})

test('kernel and ramdisk of an image are files, too', async (t) => {
  const world = await openImages(t)
  const kernel_id = await active(world, 2, { disk_format: 'aki', container_format: 'aki' })
  const disk = await active(world, 3, { kernel_id })
  const cache = openCache(world)
  const { kernelPath, ramdiskPath } = await cache.bootFilesOf(disk)
  assert.deepEqual([kernelPath, ramdiskPath], [(await cache.pathOf(kernel_id)).path, undefined])
})

test('what was unused the longest is evicted first; what runs, or was just asked for, stays', async (t) => {
  const world = await openImages(t)
  const ids = [await active(world, 1), await active(world, 2), await active(world, 3)]
  let nowMs = Date.now()
  const cache = openCache(world, () => nowMs)
  const paths: string[] = []
  for (const id of ids) paths.push((await cache.pathOf(id)).path)
  const evict = (inUse: readonly string[] = []) =>
    cache.evict({ bytesMax: 1000, inUse: new Set(inUse), graceMs: 60_000 })
  assert.equal((await evict()).files, 0)
  nowMs += 120_000
  const [used = ''] = paths
  assert.deepEqual(await evict([used]), { files: 2, bytes: 2000 })
  assert.deepEqual(await world.files.list('/cache'), [used.slice('/cache/'.length)])
  const again = await cache.pathOf(ids[1] ?? '')
  assert.deepEqual(await world.files.read(again.path, 9999), new Uint8Array(bytesOf(2)))
})

test('what a crash left half-written is removed', async (t) => {
  const world = await openImages(t)
  const cache = openCache(world, () => Date.now() + 120_000)
  const left = await world.files.create(`/cache/${'a'.repeat(64)}.temporary`)
  await left.close()
  assert.equal((await cache.evict({ bytesMax: 1_000_000, inUse: new Set(), graceMs: 60_000 })).files, 1)
})

test('the reconciler keeps what guests run from, deleted images and kernels included', async (t) => {
  const world = await openImages(t)
  const kernel_id = await active(world, 1, { disk_format: 'aki', container_format: 'aki' })
  const used = await active(world, 2, { kernel_id })
  const unused = await active(world, 3)
  const clock = { ...systemClock, nowMs: () => Date.now() + 2 * 3_600_000 }
  const cache = openCache(world, clock.nowMs)
  const wanted = new Set<string>()
  for (const id of [used, kernel_id]) wanted.add((await openCache(world).pathOf(id)).path)
  await openCache(world).pathOf(unused)
  await world.state.transaction((transaction) => transaction.remove(images, used))
  assert.deepEqual(await cache.pathsOf([used, 'absent']), wanted)
  assert.deepEqual(await cache.pathsOf([]), new Set())
  const stop = new AbortController()
  const eviction = createCacheEviction({
    cache,
    bytesMax: 0,
    imagesInUse: async () => [used],
    clock,
    log: { ...silentLogger, info: () => stop.abort() },
  })
  await eviction.run(stop.signal)
  const left = (await world.files.list('/cache')).map((name) => `/cache/${name}`)
  assert.deepEqual(new Set(left), wanted)
})

test('a file that a guest runs from stays when its image was withdrawn from this site', async (t) => {
  const world = await openImages(t)
  const [withdrawn, unused] = [await active(world, 1), await active(world, 2)]
  const cache = openCache(world)
  const { path } = await cache.pathOf(withdrawn)
  await cache.pathOf(unused)
  await world.state.transaction(async ({ queries }) => {
    await queries.deleteFrom(images.name).where('id', '=', withdrawn).execute()
  })
  assert.deepEqual(await cache.pathsOf([withdrawn]), new Set([path]))
})
