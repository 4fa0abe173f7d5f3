import assert from 'node:assert/strict'
import test, { suite } from 'node:test'
import type { StoredChunk } from './chunk-store.ts'
import { digestOf } from './digest.ts'
import { ChunkCorrupt, ChunkNotFound, StoreFull } from './errors.ts'
import { FileChunkStore, type FileChunkStoreOptions } from './file-chunk-store.ts'
import { MemoryFiles } from './memory-files.ts'
import { places, type TestPlace, testClock } from './testing.ts'

const hello = Buffer.from('hello')
const digest = digestOf(hello)

for (const [name, makePlace] of Object.entries(places)) {
  suite(`a chunk store on ${name}`, () => {
    const withStore = (body: (store: FileChunkStore, place: TestPlace) => Promise<void>) => async () => {
      const place = await makePlace()
      try {
        await body(await open(place), place)
      } finally {
        await place.remove()
      }
    }

    test(
      'gives back what was put',
      withStore(async (store) => {
        assert.equal(await store.put(digest, hello), true)
        assert.deepEqual(Buffer.from(await store.get(digest)), hello)
        assert.equal(await store.has(digest), true)
      }),
    )

    test(
      'keeps one copy of equal chunks',
      withStore(async (store) => {
        await store.put(digest, hello)
        assert.equal(await store.put(digest, hello), false)
        assert.deepEqual(
          (await stored(store)).map((chunk) => chunk.digest),
          [digest],
        )
      }),
    )

    test(
      'keeps one copy when equal chunks are put at the same time',
      withStore(async (store, place) => {
        await Promise.all(Array.from({ length: 10 }, () => store.put(digest, hello)))
        assert.equal((await stored(store)).length, 1)
        assert.deepEqual(await place.files.list(`${place.path}/temporary`), [])
      }),
    )

    test(
      'says that a chunk is not there',
      withStore(async (store) => {
        assert.equal(await store.has(digest), false)
        await assert.rejects(store.get(digest), ChunkNotFound.is)
        await store.delete(digest)
      }),
    )

    test(
      'forgets a deleted chunk',
      withStore(async (store) => {
        await store.put(digest, hello)
        await store.delete(digest)
        await assert.rejects(store.get(digest), ChunkNotFound.is)
      }),
    )

    test(
      'lists chunks in order of digest, with size and age',
      withStore(async (store) => {
        const chunks = Array.from({ length: 50 }, (_, index) => Buffer.from(`chunk ${index}`))
        for (const chunk of chunks) await store.put(digestOf(chunk), chunk)
        const listed = await stored(store)
        assert.deepEqual(
          listed.map((chunk) => chunk.digest),
          chunks.map(digestOf).sort(),
        )
        assert.ok(
          listed.every(({ sizeBytes, usedMs }) => sizeBytes >= 7 && Math.abs(usedMs - Date.now()) < 60_000),
        )
      }),
    )

    test(
      'never serves a damaged chunk, moves it aside and takes a good one again',
      withStore(async (store, place) => {
        await store.put(digest, hello)
        await overwrite(place, digest, Buffer.from('hellO'))
        await assert.rejects(store.get(digest), ChunkCorrupt.is)
        await assert.rejects(store.get(digest), ChunkNotFound.is)
        assert.deepEqual(await place.files.list(`${place.path}/quarantine`), [digest])
        assert.equal(await store.put(digest, hello), true)
        assert.deepEqual(Buffer.from(await store.get(digest)), hello)
      }),
    )

    test(
      'takes a chunk that has grown beyond the largest for damaged',
      withStore(async (store, place) => {
        await store.put(digest, hello)
        await overwrite(place, digest, Buffer.alloc(10_000))
        await assert.rejects(store.get(digest), ChunkCorrupt.is)
      }),
    )

    test(
      'replaces a chunk of the wrong length when it is put again',
      withStore(async (store, place) => {
        await store.put(digest, hello)
        await overwrite(place, digest, Buffer.from('hell'))
        assert.equal(await store.put(digest, hello), true)
        assert.deepEqual(Buffer.from(await store.get(digest)), hello)
      }),
    )

    test(
      'finds its chunks again and drops left-overs when it is opened anew',
      withStore(async (store, place) => {
        await store.put(digest, hello)
        await (await place.files.create(`${place.path}/temporary/7`)).close()
        const reopened = await open(place)
        assert.deepEqual(Buffer.from(await reopened.get(digest)), hello)
        assert.deepEqual(await place.files.list(`${place.path}/temporary`), [])
      }),
    )

    test(
      'is full when the reserve would be touched, and leaves nothing behind',
      withStore(async (_, place) => {
        const full = await open(place, { reserveBytes: Number.MAX_SAFE_INTEGER })
        await assert.rejects(full.put(digest, hello), (error) => StoreFull.is(error) && error.status === 413)
        assert.equal(await full.has(digest), false)
        assert.deepEqual(await place.files.list(`${place.path}/temporary`), [])
      }),
    )
  })
}

test('a disk that fills during the write gives the same error and leaves nothing behind', async () => {
  const files = new MemoryFiles({ clock: testClock, capacityBytes: 3 })
  const free = files.freeBytes.bind(files)
  // Others took the space between the check, which still saw some, and the write.
  let checks = 0
  files.freeBytes = async (path) => (checks++ === 0 ? 1000 : await free(path))
  const store = await open({ files, path: '/images' })
  await assert.rejects(store.put(digest, hello), StoreFull.is)
  assert.deepEqual(await files.list('/images/temporary'), [])
})

test('at most so many chunks are open at a time', async () => {
  const files = new MemoryFiles({ clock: testClock })
  const store = await open({ files, path: '/images' }, { openFilesMax: 3 })
  await store.put(digest, hello)
  let [running, most] = [0, 0]
  const read = files.read.bind(files)
  files.read = async (path, bytesMax) => {
    most = Math.max(most, ++running)
    const bytes = await read(path, bytesMax)
    running--
    return bytes
  }
  await Promise.all(Array.from({ length: 20 }, () => store.get(digest)))
  assert.equal(most, 3)
})

test('after a sync every chunk survives a power loss, before it none is half-written', async () => {
  const files = new MemoryFiles({ clock: testClock })
  const store = await open({ files, path: '/images' })
  const late = Buffer.from('late')
  await store.put(digest, hello)
  await store.sync()
  await store.put(digestOf(late), late)
  files.losePower()
  const reopened = await open({ files, path: '/images' })
  assert.deepEqual(Buffer.from(await reopened.get(digest)), hello)
  await assert.rejects(reopened.get(digestOf(late)), ChunkNotFound.is)
})

function open(
  place: Pick<TestPlace, 'files' | 'path'>,
  options: Partial<FileChunkStoreOptions> = {},
): Promise<FileChunkStore> {
  return FileChunkStore.open({ files: place.files, path: place.path, chunkBytesMax: 4096, ...options })
}

async function stored(store: FileChunkStore): Promise<readonly StoredChunk[]> {
  const chunks: StoredChunk[] = []
  for await (const chunk of store.list()) chunks.push(chunk)
  return chunks
}

async function overwrite(place: TestPlace, name: string, bytes: Uint8Array): Promise<void> {
  const file = await place.files.create(`${place.path}/${name.slice(0, 2)}/${name}`)
  await file.write(bytes, 0)
  await file.close()
}
