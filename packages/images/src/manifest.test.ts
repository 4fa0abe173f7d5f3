import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { CHUNK_BYTES } from './chunk-store.ts'
import { digestOf } from './digest.ts'
import { ManifestInvalid } from './errors.ts'
import { decodeManifest, encodeManifest, MANIFEST_BYTES_MAX } from './manifest.ts'
import { seedOf } from './testing.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array).toString('hex'))

const manifests = fc
  .record({
    chunks: fc.array(fc.option(hex(32)), { maxLength: 40 }),
    missing: fc.integer({ min: 0, max: CHUNK_BYTES - 1 }),
    checksum: hex(16),
    osHashValue: hex(64),
  })
  .map(({ chunks, missing, checksum, osHashValue }) =>
    encodeManifest({
      size: Math.max(0, chunks.length * CHUNK_BYTES - missing),
      chunkSize: CHUNK_BYTES,
      chunks,
      checksum,
      osHashValue,
    }),
  )

test('a manifest reads back as it was written, and its digest is that of its bytes', (t) => {
  fc.assert(
    fc.property(manifests, ({ manifest, bytes }) => {
      assert.deepEqual(decodeManifest(bytes), manifest)
      assert.equal(manifest.digest, digestOf(bytes))
    }),
    { seed: seedOf(t) },
  )
})

test('whatever bytes arrive, they are a canonical manifest or refused as invalid', (t) => {
  const mutations = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(manifests, mutations, fc.nat(300), ({ bytes: whole }, changes, cut) => {
      const bytes = Buffer.from(whole).subarray(0, Math.max(0, whole.length - Math.max(0, cut - 200)))
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      try {
        assert.deepEqual(Buffer.from(encodeManifest(decodeManifest(bytes)).bytes), bytes)
      } catch (error) {
        if (!ManifestInvalid.is(error)) throw error
      }
    }),
    { seed: seedOf(t), numRuns: 2000 },
  )
})

test('a manifest that promises more chunks than it has is refused before anything is allocated', () => {
  const { bytes } = encodeManifest({
    size: 0,
    chunkSize: CHUNK_BYTES,
    chunks: [],
    checksum: '00'.repeat(16),
    osHashValue: '00'.repeat(64),
  })
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).writeBigUInt64BE(2n ** 63n, 16)
  assert.throws(() => decodeManifest(bytes), ManifestInvalid.is)
  assert.ok(MANIFEST_BYTES_MAX < 40 * 1024 * 1024)
})
