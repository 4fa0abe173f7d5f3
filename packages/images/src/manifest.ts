/**
 * A manifest says of which chunks an image consists. Its bytes are canonical (one image, one encoding), so their
 * SHA-256 names the image and is all that a record has to carry. All numbers are big-endian:
 *
 *     0   8  "ATOLLIMG"
 *     8   4  version, 1
 *    12   4  chunk size in bytes
 *    16   8  image size in bytes
 *    24  16  MD5 of the image (Glance's checksum)
 *    40  64  SHA-512 of the image (Glance's os_hash_value)
 *   104   b  one bit per chunk, the first in the highest bit of the first byte: 1 stored, 0 all zeros
 *         …  32 bytes of SHA-256 for each bit that is set, in order
 */

import { CHUNK_BYTES } from './chunk-store.ts'
import { type Digest, digestOf } from './digest.ts'
import { ManifestInvalid } from './errors.ts'

export interface Manifest {
  /** SHA-256 of the encoded manifest. */
  readonly digest: Digest
  /** Bytes of the image. */
  readonly size: number
  /** Every chunk has this many bytes, but for the last one, which has what is left. */
  readonly chunkSize: number
  /** In order; null stands for a chunk of zeros, which is stored nowhere. */
  readonly chunks: readonly (Digest | null)[]
  /** MD5 in hex, as Glance's `checksum`. Not for security. */
  readonly checksum: string
  /** In hex, as Glance's `os_hash_value`. */
  readonly osHashValue: string
}

/** Glance's `os_hash_algo` of every image. */
export const OS_HASH_ALGO = 'sha512'

/** The largest image, 1 TiB: Glance's own default cap. It bounds the memory that a manifest takes, about 100 MB. */
export const IMAGE_BYTES_MAX = 1024 ** 4

const MAGIC = Buffer.from('ATOLLIMG')
const VERSION = 1
const HEADER_BYTES = 104
const DIGEST_BYTES = 32
const CHUNKS_MAX = IMAGE_BYTES_MAX / CHUNK_BYTES

/** No manifest is longer. */
export const MANIFEST_BYTES_MAX = HEADER_BYTES + CHUNKS_MAX / 8 + CHUNKS_MAX * DIGEST_BYTES

/** The manifest and its bytes. */
export function encodeManifest(fields: Omit<Manifest, 'digest'>): { manifest: Manifest; bytes: Uint8Array } {
  const { size, chunkSize, chunks, checksum, osHashValue } = fields
  const stored = chunks.filter((chunk) => chunk !== null)
  const bitmapBytes = Math.ceil(chunks.length / 8)
  const bytes = Buffer.alloc(HEADER_BYTES + bitmapBytes + stored.length * DIGEST_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt32BE(VERSION, 8)
  bytes.writeUInt32BE(chunkSize, 12)
  bytes.writeBigUInt64BE(BigInt(size), 16)
  bytes.write(checksum, 24, 'hex')
  bytes.write(osHashValue, 40, 'hex')
  for (const [index, chunk] of chunks.entries()) {
    const at = HEADER_BYTES + (index >> 3)
    if (chunk !== null) bytes[at] = (bytes[at] ?? 0) | (0x80 >> (index & 7))
  }
  for (const [index, chunk] of stored.entries()) {
    bytes.write(chunk, HEADER_BYTES + bitmapBytes + index * DIGEST_BYTES, 'hex')
  }
  return { manifest: Object.freeze({ digest: digestOf(bytes), ...fields }), bytes }
}

/**
 * Reads a manifest from anywhere, trusting nothing.
 * @throws ManifestInvalid unless the bytes are exactly what `encodeManifest` writes
 */
export function decodeManifest(encoded: Uint8Array): Manifest {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength)
  require(bytes.length >= HEADER_BYTES, 'too short')
  require(bytes.subarray(0, 8).equals(MAGIC), 'no manifest')
  require(bytes.readUInt32BE(8) === VERSION, 'unknown version')
  const chunkSize = bytes.readUInt32BE(12)
  require(chunkSize === CHUNK_BYTES, 'unknown chunk size')
  const size = Number(bytes.readBigUInt64BE(16))
  require(size <= IMAGE_BYTES_MAX, 'image too large')
  const count = Math.ceil(size / chunkSize)
  const bitmapBytes = Math.ceil(count / 8)
  const digestsAt = HEADER_BYTES + bitmapBytes
  require(digestsAt <= bytes.length, 'too short')
  require(hasOnlyBits(bytes[digestsAt - 1] ?? 0, count), 'more chunks than the size allows')
  const chunks: (Digest | null)[] = []
  let at = digestsAt
  for (let index = 0; index < count; index++) {
    const isStored = ((bytes[HEADER_BYTES + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0
    chunks.push(isStored ? bytes.toString('hex', at, at + DIGEST_BYTES) : null)
    if (isStored) at += DIGEST_BYTES
  }
  require(at === bytes.length, 'wrong length')
  return Object.freeze({
    digest: digestOf(bytes),
    size,
    chunkSize,
    chunks: Object.freeze(chunks),
    checksum: bytes.toString('hex', 24, 40),
    osHashValue: bytes.toString('hex', 40, HEADER_BYTES),
  })
}

/** The digests of the chunks that are stored, each once, in order of first use. */
export function storedChunks(manifest: Manifest): Set<Digest> {
  return new Set(manifest.chunks.filter((chunk) => chunk !== null))
}

/** How many bytes the chunk at `index` has. */
export function chunkBytesAt(manifest: Manifest, index: number): number {
  return Math.min(manifest.chunkSize, manifest.size - index * manifest.chunkSize)
}

// The bits after the last chunk must be zero, or one image would have several encodings.
function hasOnlyBits(lastByte: number, count: number): boolean {
  return count % 8 === 0 || (lastByte & (0xff >> (count % 8))) === 0
}

function require(condition: boolean, reason: string): asserts condition {
  if (!condition) throw ManifestInvalid({ reason })
}
