import assert from 'node:assert/strict'
import test from 'node:test'
import { SourceInvalid, TransferAborted } from './errors.ts'
import type { ChunkSource } from './fetch-image.ts'
import type { ImageStore } from './image-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { imageOf, inPieces, openImageStore, readAll, testClock } from './testing.ts'

test('an image is fetched from another store, only what is missing of it', async () => {
  const { there, here, digest, image } = await twoStores()
  await here.ingest(inPieces(imageOf([2])))
  const asked: string[] = []
  const source = listening(there, (chunk) => asked.push(chunk))
  const manifest = await here.fetch(digest, source)
  assert.ok((await readAll(await here.open(digest))).equals(image))
  assert.deepEqual(await here.missing(manifest), [])
  assert.deepEqual(new Set(asked), new Set([manifest.chunks[0], manifest.chunks[3]]))
  await here.fetch(digest, source)
  assert.equal(asked.length, 2, 'the second fetch asks for nothing')
})

test('no more chunks are under way than the caller allows', async () => {
  const { there, here } = await twoStores()
  const { digest } = (await there.ingest(inPieces(imageOf([1, 2, 3, 4, 5, 6, 7, 8, 9])))).manifest
  let [running, most] = [0, 0]
  const source: ChunkSource = {
    manifest: (manifest) => there.manifest(manifest),
    chunk: async (chunk) => {
      most = Math.max(most, ++running)
      const bytes = await there.chunk(chunk)
      running--
      return bytes
    },
  }
  await here.fetch(digest, source, { concurrency: 3 })
  assert.equal(most, 3)
})

const lies: Record<string, (bytes: Uint8Array) => Uint8Array> = {
  'other bytes': (bytes) => Buffer.from(bytes).fill(7, 10, 20),
  'fewer bytes': (bytes) => bytes.subarray(1),
  'more bytes': (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
  'no bytes': () => Buffer.alloc(0),
}

for (const [what, lie] of Object.entries(lies)) {
  test(`a source that sends ${what} for a manifest is refused and nothing is kept`, async () => {
    const { there, here, digest } = await twoStores()
    const source: ChunkSource = {
      manifest: async (manifest) => lie(await there.manifest(manifest)),
      chunk: (chunk) => there.chunk(chunk),
    }
    await assert.rejects(here.fetch(digest, source), SourceInvalid.is)
    assert.deepEqual(await here.stats(), { manifests: 0, chunks: 0, bytes: 0 })
  })

  test(`a source that sends ${what} for a chunk is refused and nothing of it is kept`, async () => {
    const { there, here, digest } = await twoStores()
    const source: ChunkSource = {
      manifest: (manifest) => there.manifest(manifest),
      chunk: async (chunk) => lie(await there.chunk(chunk)),
    }
    await assert.rejects(here.fetch(digest, source), SourceInvalid.is)
    assert.equal((await here.stats()).chunks, 0)
  })
}

test('a fetch that failed goes on where it ended, and survives a collection in between', async () => {
  const { there, here, digest, image } = await twoStores()
  let left = 1
  const failing: ChunkSource = {
    manifest: (manifest) => there.manifest(manifest),
    chunk: (chunk) => (left-- > 0 ? there.chunk(chunk) : Promise.reject(new Error('cut off'))),
  }
  await assert.rejects(here.fetch(digest, failing, { concurrency: 1 }), /cut off/)
  await here.collectGarbage([digest], { graceMs: -60_000 })
  let asked = 0
  await here.fetch(
    digest,
    listening(there, () => asked++),
  )
  assert.equal(asked, 2)
  assert.ok((await readAll(await here.open(digest))).equals(image))
})

test('an aborted fetch ends although its source hangs', async () => {
  const { there, here, digest } = await twoStores()
  const abort = new AbortController()
  const hanging: ChunkSource = {
    manifest: (manifest) => there.manifest(manifest),
    chunk: () => {
      abort.abort()
      return new Promise(() => {})
    },
  }
  await assert.rejects(here.fetch(digest, hanging, { signal: abort.signal }), TransferAborted.is)
})

async function twoStores() {
  const [there, here] = await Promise.all([memoryStore(), memoryStore()])
  const image = imageOf([1, 2, 0, 3], 0)
  const { manifest } = await there.ingest(inPieces(image))
  return { there, here, image, digest: manifest.digest }
}

function memoryStore(): Promise<ImageStore> {
  return openImageStore({ files: new MemoryFiles({ clock: testClock }), path: '/images' })
}

function listening(store: ImageStore, onChunk: (digest: string) => void): ChunkSource {
  return {
    manifest: (digest) => store.manifest(digest),
    chunk: (digest) => {
      onChunk(digest)
      return store.chunk(digest)
    },
  }
}
