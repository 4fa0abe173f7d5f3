import assert from 'node:assert/strict'
import test from 'node:test'
import type { Clock } from '@atoll/kit'
import { CHUNK_BYTES } from './chunk-store.ts'
import { ImageStore } from './image-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { imageOf, inPieces, readAll } from './testing.ts'

const graceMs = 60_000

test('what no record refers to goes after the grace, what is shared stays', async () => {
  const { store, wait } = await storeWithClock()
  const kept = imageOf([1, 2])
  const { digest } = (await store.ingest(inPieces(kept))).manifest
  await store.ingest(inPieces(imageOf([2, 3, 4])))
  assert.deepEqual(await store.collectGarbage([digest], { graceMs }), { manifests: 0, chunks: 0, bytes: 0 })
  wait(graceMs + 1)
  const collected = await store.collectGarbage([digest], { graceMs })
  assert.deepEqual([collected.manifests, collected.chunks], [1, 2])
  assert.deepEqual(await store.stats(), { manifests: 1, chunks: 2, bytes: 2 * CHUNK_BYTES })
  assert.ok((await readAll(await store.open(digest))).equals(kept))
})

test('an image that is ingested again is young again, with its old chunks', async () => {
  const { store, wait } = await storeWithClock()
  const image = imageOf([1, 2])
  const { digest } = (await store.ingest(inPieces(image))).manifest
  wait(graceMs + 1)
  await store.ingest(inPieces(image))
  await store.collectGarbage([], { graceMs })
  assert.ok((await readAll(await store.open(digest))).equals(image))
})

test('a collection spares the old chunks that a running ingest has found, at every step of it', async () => {
  const image = imageOf([1, 2, 3])
  for (let piecesBefore = 0; piecesBefore <= 3; piecesBefore++) {
    const { store, wait } = await storeWithClock()
    await store.ingest(inPieces(image))
    wait(graceMs + 1)
    const source = (async function* () {
      for (let piece = 0; piece < 3; piece++) {
        if (piece === piecesBefore) await store.collectGarbage([], { graceMs: -1 })
        yield image.subarray(piece * CHUNK_BYTES, (piece + 1) * CHUNK_BYTES)
      }
      if (piecesBefore === 3) await store.collectGarbage([], { graceMs: -1 })
    })()
    const { manifest } = await store.ingest(source)
    assert.ok(
      (await readAll(await store.open(manifest.digest))).equals(image),
      `after ${piecesBefore} pieces`,
    )
  }
})

test('ingests and collections that interleave at random lose nothing', async () => {
  const { store, wait } = await storeWithClock()
  const seeds = [1, 2, 3, 4]
  for (let round = 0; round < 20; round++) {
    const image = imageOf(seeds.filter((seed) => (round * seed) % 3 !== 0))
    const collect = async (turns: number) => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      await store.collectGarbage([], { graceMs: 1 })
    }
    wait(1000)
    const [{ manifest }] = await Promise.all([
      store.ingest(inPieces(image)),
      collect(round * 7),
      collect(round * 31),
    ])
    assert.deepEqual(await store.missing(manifest), [], `round ${round}`)
    assert.ok((await readAll(await store.open(manifest.digest))).equals(image), `round ${round}`)
  }
})

test('a fetch may find old chunks while a collection runs, and keeps them', async () => {
  const { store: there } = await storeWithClock()
  const { digest } = (await there.ingest(inPieces(imageOf([1, 2, 3])))).manifest
  for (let turns = 0; turns < 80; turns++) {
    const { store, wait } = await storeWithClock()
    await store.ingest(inPieces(imageOf([3, 1, 2])))
    wait(graceMs + 1)
    const collecting = store.collectGarbage([], { graceMs })
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    const [manifest] = await Promise.all([store.fetch(digest, there), collecting])
    assert.deepEqual(await store.missing(manifest), [], `after ${turns} turns`)
  }
})

test('an image that is being read stays until the reader is done', async () => {
  const { store, wait } = await storeWithClock()
  const image = imageOf([1, 2, 3, 4, 5, 6])
  const { digest } = (await store.ingest(inPieces(image))).manifest
  wait(graceMs + 1)
  const parts: Uint8Array[] = []
  for await (const part of await store.open(digest)) {
    if (parts.length === 0) await store.collectGarbage([], { graceMs })
    parts.push(part)
  }
  assert.ok(Buffer.concat(parts).equals(image))
  await store.collectGarbage([], { graceMs })
  assert.deepEqual(await store.stats(), { manifests: 0, chunks: 0, bytes: 0 })
})

async function storeWithClock() {
  let nowMs = 1_000_000
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => {} }
  const files = new MemoryFiles({ clock })
  const store = await ImageStore.open({ path: '/images', files, clock })
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { store, wait }
}
