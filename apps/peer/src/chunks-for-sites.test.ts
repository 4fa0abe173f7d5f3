import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { imageRecords, images as imageTable } from '@atoll/image'
import { ChunkNotFound, ManifestNotFound } from '@atoll/images'
import { openTestState } from '@atoll/state'
import { chunksForSites } from './chunks-for-sites.ts'

const digest = (text: string) => createHash('sha256').update(text).digest('hex')
const [shared, own] = [digest('shared chunk'), digest('own chunk')]
const [scoped, open] = [digest('manifest of the scoped image'), digest('manifest of the open image')]
const manifests = new Map([
  [scoped, Buffer.from(shared + own, 'hex')],
  [open, Buffer.from(shared, 'hex')],
])
const absent = {
  manifest: (name: string) => Promise.reject(ManifestNotFound({ digest: name })),
  chunk: (name: string) => Promise.reject(ChunkNotFound({ digest: name })),
}

/** East has an image that is kept at east and west, one that is kept everywhere, and a chunk that is in both. */
async function openEast(t: TestContext) {
  const state = await openTestState({
    records: imageRecords,
    site: { name: 'east', code: 1 },
    sitesOfProject: async (_reader, id) => (id === 'p' ? ['east', 'west'] : null),
    after: (cleanUp) => t.after(cleanUp),
  })
  for (const [project_id, manifest_digest] of [
    ['p', scoped],
    ['free', open],
  ] as const)
    await state.transaction((tx) => tx.insert(imageTable, { ...anImage, project_id, manifest_digest }))
  return chunksForSites({
    state,
    images: {
      manifest: async (name) => manifests.get(name) ?? absent.manifest(name),
      chunk: async (name) => ([shared, own].includes(name) ? Buffer.from('bytes') : absent.chunk(name)),
    },
    siblings: { chunks: absent },
    isAnyScoped: () => true,
  })
}

const anImage = {
  name: 'i',
  status: 'active',
  visibility: 'public',
  disk_format: 'raw',
  container_format: 'bare',
  size_bytes: 1,
  virtual_size_bytes: 1,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
  min_disk_gib: 0,
  min_ram_mib: 0,
  is_protected: false,
  is_hidden: false,
  tags: [],
  properties: {},
  members: [],
  shared_with: '',
} as const

test('a site inside the scope of an image is given its bytes', async (t) => {
  const chunks = await openEast(t)
  assert.deepEqual(await chunks.manifest(scoped, 'west'), manifests.get(scoped))
  for (const chunk of [shared, own]) assert.ok(await chunks.chunk(chunk, 'west', scoped))
})

test('a site outside is given nothing of it, but what an image has that it may have', async (t) => {
  const chunks = await openEast(t)
  await assert.rejects(chunks.manifest(scoped, 'north'), ManifestNotFound.is)
  for (const manifest of [scoped, open, digest('unknown'), undefined])
    await assert.rejects(chunks.chunk(own, 'north', manifest), ChunkNotFound.is)
  assert.ok(await chunks.manifest(open, 'north'))
  assert.ok(await chunks.chunk(shared, 'north', open))
  await assert.rejects(chunks.chunk(shared, 'north', scoped), ChunkNotFound.is)
})
