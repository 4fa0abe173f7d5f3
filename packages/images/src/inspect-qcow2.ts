/**
 * What a qcow2 header (QEMU, docs/interop/qcow2.rst) says, refusing what would make a host read files of its own
 * (CVE-2024-32498), spend memory without limit, or what QEMU could not open anyway.
 */

import type { ByteReader } from './byte-reader.ts'
import { ImageUnsafe } from './errors.ts'

/** QEMU's own limits, block/qcow2.h. */
const L1_BYTES_MAX = 32 * 1024 * 1024
const REFCOUNT_TABLE_BYTES_MAX = 8 * 1024 * 1024
const SNAPSHOTS_MAX = 65_536
const CLUSTER_BITS_MIN = 9
const CLUSTER_BITS_MAX = 21
const REFCOUNT_ORDER_MAX = 6

const V2_HEADER_BYTES = 72
const V3_HEADER_BYTES = 104

const incompatible = { corrupt: 1 << 1, dataFile: 1 << 2, known: 0b1111 }
const extension = { end: 0, dataFile: 0x44415441, encryption: 0x0537be77 }

/** @returns the virtual size in bytes. @throws ImageUnsafe naming the check that failed */
export function inspectQcow2(head: ByteReader): number {
  const version = head.u32be(4)
  check(version === 2 || version === 3, 'unknown_features', 'Unsupported qcow2 version')
  check(head.u64be(8) === 0 && head.u32be(16) === 0, 'backing_file', 'Image has a backing file')
  const clusterBits = head.u32be(20)
  const isClusterSane = clusterBits >= CLUSTER_BITS_MIN && clusterBits <= CLUSTER_BITS_MAX
  check(isClusterSane, 'header', `Invalid cluster size 2^${clusterBits}`)
  check(head.u32be(32) === 0, 'encryption', 'Image is encrypted')
  const clusterBytes = 2 ** clusterBits
  const virtualBytes = head.u64be(24)
  checkTables(head, { clusterBytes, virtualBytes })
  const length = version === 2 ? V2_HEADER_BYTES : checkV3(head, clusterBytes)
  checkExtensions(head, { start: length, clusterBytes })
  return virtualBytes
}

function checkTables(
  head: ByteReader,
  { clusterBytes, virtualBytes }: { readonly clusterBytes: number; readonly virtualBytes: number },
): void {
  const l1Entries = head.u32be(36)
  check(l1Entries * 8 <= L1_BYTES_MAX, 'header', 'L1 table is too large')
  // An L2 table is one cluster of 8-byte entries, each of which maps one cluster.
  const isCovered = l1Entries * clusterBytes * (clusterBytes / 8) >= virtualBytes
  check(isCovered, 'header', 'L1 table is too small for the virtual size')
  check(isOffset(head.u64be(40), clusterBytes), 'header', 'Invalid L1 table offset')
  check(isOffset(head.u64be(48), clusterBytes), 'header', 'Invalid refcount table offset')
  const refcountTableBytes = head.u32be(56) * clusterBytes
  check(refcountTableBytes > 0, 'header', 'Image has no refcount table')
  check(refcountTableBytes <= REFCOUNT_TABLE_BYTES_MAX, 'header', 'Refcount table is too large')
  // Internal snapshots are harmless and OpenStack accepts them; only their number is bounded.
  const snapshots = head.u32be(60)
  check(snapshots <= SNAPSHOTS_MAX, 'header', 'Too many snapshots')
  check(snapshots === 0 || isOffset(head.u64be(64), clusterBytes), 'header', 'Invalid snapshot table offset')
}

/** Returns the length of the header. */
function checkV3(head: ByteReader, clusterBytes: number): number {
  const [highFeatures, features] = [head.u32be(72), head.u32be(76)]
  check((features & incompatible.dataFile) === 0, 'data_file', 'Image has data_file set')
  // Extended L2 entries (bit 4) count as unknown, as they do in OpenStack.
  const isKnown = highFeatures === 0 && (features & ~incompatible.known) === 0
  check(isKnown, 'unknown_features', 'Unknown QCOW2 features found')
  check((features & incompatible.corrupt) === 0, 'corrupt', 'Image is marked corrupt')
  check(head.u32be(96) <= REFCOUNT_ORDER_MAX, 'header', 'Invalid refcount width')
  const length = head.u32be(100)
  const isLengthSane = length >= V3_HEADER_BYTES && length <= clusterBytes && length % 8 === 0
  check(isLengthSane, 'header', `Invalid header length ${length}`)
  return length
}

// Type, length, data padded to 8 bytes; ended by type 0 or by the end of the first cluster.
function checkExtensions(
  head: ByteReader,
  { start, clusterBytes }: { readonly start: number; readonly clusterBytes: number },
): void {
  for (let at = start; at + 8 <= clusterBytes; ) {
    const [type, bytes] = [head.u32be(at), head.u32be(at + 4)]
    if (type === extension.end) return
    check(type !== extension.dataFile, 'data_file', 'Image has data_file set')
    check(type !== extension.encryption, 'encryption', 'Image is encrypted')
    at += 8 + Math.ceil(bytes / 8) * 8
    check(at <= clusterBytes, 'header', 'Header extension is too long')
  }
}

function isOffset(offset: number, clusterBytes: number): boolean {
  return Number.isSafeInteger(offset) && offset % clusterBytes === 0
}

function check(isFine: boolean, name: string, reason: string): void {
  if (!isFine) throw ImageUnsafe({ check: name, reason })
}
