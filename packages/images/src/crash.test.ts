import assert from 'node:assert/strict'
import test from 'node:test'
import type { Digest } from './digest.ts'
import type { Files } from './files.ts'
import { MemoryFiles } from './memory-files.ts'
import { DyingFiles, imageOf, inPieces, openImageStore, places, readAll, testClock } from './testing.ts'

const path = '/images'
const first = imageOf([1, 2])
const second = imageOf([2, 0, 3], 500)

// Both kinds of end: the process dies and the kernel keeps what it was told, or the power goes and it does not.
for (const end of ['the process dies', 'the power fails'] as const) {
  test(`when ${end} at any step of an ingest, what was acknowledged is whole and the rest is garbage`, async () => {
    let step = 0
    for (let isDead = true; isDead; step++) {
      const files = new MemoryFiles({ clock: testClock })
      const dying = new DyingFiles(files, step + 1)
      const acknowledged = await ingestUntilDeath(dying, path)
      isDead = dying.isDead
      if (end === 'the power fails') files.losePower()
      await assertSound(files, path, acknowledged)
    }
    assert.ok(step > 20, `only ${step} steps`)
  })
}

test('a store on disk is as sound when its process dies at any step', async () => {
  const place = await places.disk()
  try {
    for (let step = 1, isDead = true; isDead; step += 3) {
      const store = `${place.path}/${step}`
      const dying = new DyingFiles(place.files, step)
      const acknowledged = await ingestUntilDeath(dying, store)
      isDead = dying.isDead
      await assertSound(place.files, store, acknowledged)
    }
  } finally {
    await place.remove()
  }
})

/** Ingests two images; returns those that were acknowledged before the death. */
async function ingestUntilDeath(files: Files, at: string): Promise<Map<Digest, Buffer>> {
  const acknowledged = new Map<Digest, Buffer>()
  try {
    const store = await openImageStore({ files, path: at })
    for (const image of [first, second]) {
      const { manifest } = await store.ingest(inPieces(image, 1 << 20))
      acknowledged.set(manifest.digest, image)
    }
  } catch (error) {
    assert.match(String(error), /the process (dies|is dead)/)
  }
  return acknowledged
}

async function assertSound(files: Files, at: string, acknowledged: ReadonlyMap<Digest, Buffer>) {
  const store = await openImageStore({ files, path: at })
  for (const [digest, image] of acknowledged)
    assert.ok((await readAll(await store.open(digest))).equals(image))
  for (const kind of ['chunks', 'manifests']) {
    assert.deepEqual(await files.list(`${at}/${kind}/temporary`), [])
    assert.deepEqual(await files.list(`${at}/${kind}/quarantine`), [])
  }
  await store.collectGarbage(acknowledged.keys(), { graceMs: -60_000 })
  for (const [digest, image] of acknowledged)
    assert.ok((await readAll(await store.open(digest))).equals(image))
  const { manifests, chunks } = await store.stats()
  assert.equal(manifests, acknowledged.size)
  assert.equal(chunks, [0, 2, 4][acknowledged.size])
  const again = await store.ingest(inPieces(second))
  assert.ok((await readAll(await store.open(again.manifest.digest))).equals(second))
}
