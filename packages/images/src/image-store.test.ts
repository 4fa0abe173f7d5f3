import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import test, { suite } from 'node:test'
import { CHUNK_BYTES } from './chunk-store.ts'
import { digestOf } from './digest.ts'
import {
  ChunkNotFound,
  FormatMismatch,
  ImageTooLarge,
  ManifestNotFound,
  PathOccupied,
  RangeNotSatisfiable,
  StoreFull,
  TransferAborted,
} from './errors.ts'
import type { ImageStore } from './image-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { imageOf, inPieces, openImageStore, places, readAll, type TestPlace, testClock } from './testing.ts'

for (const [name, makePlace] of Object.entries(places)) {
  suite(`an image store on ${name}`, () => {
    const withStore = (body: (store: ImageStore, place: TestPlace) => Promise<void>) => async () => {
      const place = await makePlace()
      try {
        await body(await openImageStore(place), place)
      } finally {
        await place.remove()
      }
    }

    test(
      'gives back an image, with the hashes that Glance shows',
      withStore(async (store) => {
        const image = imageOf([1, 2], 12_345)
        const { manifest, inspection } = await store.ingest(inPieces(image), { diskFormat: 'raw' })
        assert.equal(manifest.size, image.length)
        assert.equal(manifest.checksum, createHash('md5').update(image).digest('hex'))
        assert.equal(manifest.osHashValue, createHash('sha512').update(image).digest('hex'))
        assert.deepEqual(inspection, { format: 'raw', virtualSizeBytes: image.length })
        assert.ok((await readAll(await store.open(manifest.digest))).equals(image))
        assert.deepEqual(await store.read(manifest.digest), manifest)
        assert.deepEqual(await store.missing(manifest), [])
      }),
    )

    test(
      'keeps an empty image',
      withStore(async (store) => {
        const { manifest } = await store.ingest(inPieces(Buffer.alloc(0)), { diskFormat: 'raw' })
        assert.equal(manifest.size, 0)
        assert.equal((await readAll(await store.open(manifest.digest))).length, 0)
      }),
    )

    test(
      'stores a chunk once, and zeros never',
      withStore(async (store) => {
        await store.ingest(inPieces(imageOf([1, 0, 2, 1, 0])))
        await store.ingest(inPieces(imageOf([2, 3, 0])))
        assert.deepEqual(await store.stats(), { manifests: 2, chunks: 3, bytes: 3 * CHUNK_BYTES })
      }),
    )

    test(
      'names equal content alike, however it arrives',
      withStore(async (store) => {
        const image = imageOf([1, 2], 100)
        const one = await store.ingest(inPieces(image, 10_007))
        const other = await store.ingest(Readable.from([image]))
        assert.equal(one.manifest.digest, other.manifest.digest)
        assert.equal((await store.stats()).manifests, 1)
      }),
    )

    test(
      'reads any range',
      withStore(async (store) => {
        const image = imageOf([1, 0, 2], 5000)
        const { digest } = (await store.ingest(inPieces(image))).manifest
        const ranges = [
          [0, 0],
          [0, 1],
          [CHUNK_BYTES - 1, 2],
          [CHUNK_BYTES, CHUNK_BYTES],
          [100, 3 * CHUNK_BYTES],
          [image.length - 1, 1],
          [image.length, 0],
        ] as const
        for (const [offset, length] of ranges) {
          const range = await readAll(await store.open(digest, { offset, length }))
          assert.ok(range.equals(image.subarray(offset, offset + length)), `${offset}+${length}`)
        }
        const rest = await readAll(await store.open(digest, { offset: 7 }))
        assert.ok(rest.equals(image.subarray(7)))
        await assert.rejects(store.open(digest, { offset: image.length, length: 1 }), RangeNotSatisfiable.is)
        await assert.rejects(store.open(digest, { offset: -1 }), RangeNotSatisfiable.is)
      }),
    )

    test(
      'materializes an image once for many callers, and leaves what is there',
      withStore(async (store, place) => {
        const image = imageOf([1, 0, 0, 2], 77)
        const { digest } = (await store.ingest(inPieces(image))).manifest
        const path = `${place.path}/base/${digest}`
        await Promise.all(Array.from({ length: 5 }, () => store.materialize(digest, path)))
        await store.materialize(digest, path)
        assert.ok(Buffer.from((await place.files.read(path, 1e9)) ?? []).equals(image))
        assert.deepEqual(await place.files.list(`${place.path}/base`), [digest])
      }),
    )

    test(
      'does not replace another file when it materializes',
      withStore(async (store, place) => {
        const { digest } = (await store.ingest(inPieces(imageOf([1])))).manifest
        await (await place.files.create(`${place.path}/occupied`)).close()
        await assert.rejects(store.materialize(digest, `${place.path}/occupied`), PathOccupied.is)
      }),
    )

    test(
      'keeps nothing half-materialized when a chunk is missing',
      withStore(async (store, place) => {
        const { manifest } = await store.ingest(inPieces(imageOf([1, 2])))
        const lost = manifest.chunks[1] ?? ''
        await place.files.remove(`${place.path}/chunks/${lost.slice(0, 2)}/${lost}`)
        await assert.rejects(store.materialize(manifest.digest, `${place.path}/base/it`), ChunkNotFound.is)
        assert.deepEqual(await place.files.list(`${place.path}/base`), [])
        assert.deepEqual(await store.missing(manifest), [lost])
        await assert.rejects(readAll(await store.open(manifest.digest)), ChunkNotFound.is)
      }),
    )

    test(
      'says that it does not have an image',
      withStore(async (store) => {
        const digest = digestOf(Buffer.from('another'))
        await assert.rejects(store.open(digest), ManifestNotFound.is)
        await assert.rejects(store.manifest(digest), ManifestNotFound.is)
        await assert.rejects(store.materialize(digest, '/nowhere'), ManifestNotFound.is)
      }),
    )

    test(
      'refuses an image above the limit, whose chunks become garbage',
      withStore(async (store) => {
        const work = store.ingest(inPieces(imageOf([1, 2, 3])), { sizeMax: 2 * CHUNK_BYTES })
        await assert.rejects(work, (error) => ImageTooLarge.is(error) && error.status === 413)
        await store.collectGarbage([], { graceMs: -60_000 })
        assert.deepEqual(await store.stats(), { manifests: 0, chunks: 0, bytes: 0 })
      }),
    )
  })
}

test('a materialized image takes no space for its zeros', async () => {
  const place = await places.disk()
  try {
    const store = await openImageStore(place)
    const { digest } = (await store.ingest(inPieces(imageOf([1, 0, 0, 0, 0, 0, 0, 0])))).manifest
    await store.materialize(digest, `${place.path}/base`)
    const { size, blocks } = await stat(`${place.path}/base`)
    assert.equal(size, 8 * CHUNK_BYTES)
    assert.ok(blocks * 512 <= 2 * CHUNK_BYTES, `${blocks} blocks`)
  } finally {
    await place.remove()
  }
})

test('a wrong format ends the upload at its first chunk and does not destroy the source', async () => {
  const store = await memoryStore()
  let pieces = 0
  const qcow2 = Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), imageOf([1]).subarray(4)])
  const source = Readable.from(
    (async function* () {
      for (;;) {
        pieces++
        yield qcow2
      }
    })(),
    { objectMode: false },
  )
  await assert.rejects(store.ingest(source, { diskFormat: 'raw' }), FormatMismatch.is)
  assert.ok(pieces <= 3, `${pieces} pieces were read`)
  assert.equal(source.destroyed, false)
  source.destroy()
})

test('an aborted upload ends although its source hangs', async () => {
  const store = await memoryStore()
  const abort = new AbortController()
  const hanging: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => abort.abort()) }),
  }
  await assert.rejects(store.ingest(hanging, { signal: abort.signal }), TransferAborted.is)
})

test('the error of a source reaches the caller', async () => {
  const store = await memoryStore()
  const failure = new Error('connection reset')
  const source = (async function* () {
    yield imageOf([1])
    throw failure
  })()
  await assert.rejects(store.ingest(source), failure)
})

test('a source is read only as fast as chunks are written', async () => {
  const files = new MemoryFiles({ clock: testClock })
  const store = await openImageStore({ files, path: '/images' })
  const gate = Promise.withResolvers<void>()
  const create = files.create.bind(files)
  files.create = async (path) => {
    await gate.promise
    return await create(path)
  }
  let given = 0
  const source = (async function* () {
    for (given = 1; given <= 50; given++) yield imageOf([given])
  })()
  const work = store.ingest(source)
  // Far more turns than the source would need if nobody held it back.
  for (let turn = 0; turn < 2000; turn++) await Promise.resolve()
  assert.ok(given < 12, `${given} chunks were read ahead`)
  gate.resolve()
  assert.equal((await work).manifest.chunks.length, 50)
})

test('a disk that fills ends the upload, and what was written is collected', async () => {
  const files = new MemoryFiles({ clock: testClock, capacityBytes: 3.5 * CHUNK_BYTES })
  const store = await openImageStore({ files, path: '/images' })
  await assert.rejects(store.ingest(inPieces(imageOf([1, 2, 3, 4, 5]))), StoreFull.is)
  await store.collectGarbage([], { graceMs: -60_000 })
  assert.deepEqual(await store.stats(), { manifests: 0, chunks: 0, bytes: 0 })
  await store.ingest(inPieces(imageOf([1, 2, 3])))
})

function memoryStore(): Promise<ImageStore> {
  return openImageStore({ files: new MemoryFiles({ clock: testClock }), path: '/images' })
}
