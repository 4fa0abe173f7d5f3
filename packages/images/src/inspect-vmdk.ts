/**
 * A VMDK can name other files as its extents, and so make a host read its own (CVE-2022-47951). Only the two
 * subformats that are one file are accepted, and their descriptor is read line by line, as OpenStack does.
 */

import { ByteReader } from './byte-reader.ts'
import { ImageUnsafe } from './errors.ts'

const SECTOR_BYTES = 512
const DESCRIPTOR_SECTOR = 1
const DESCRIPTOR_BYTES_MAX = 1024 * 1024 - SECTOR_BYTES
const SUBFORMATS: readonly string[] = ['monolithicsparse', 'streamoptimized']
const EXTENT_ACCESS: readonly string[] = ['rw', 'rdonly', 'noaccess']
const FOOTER_MARKER = 3

/** A stream-optimized one ends with: footer marker, footer (a second header), end-of-stream marker; a sector each. */
export const VMDK_FOOTER_BYTES = 3 * SECTOR_BYTES

/**
 * @param tail the last bytes of the file, undefined while it is not known
 * @returns the virtual size in bytes
 * @throws ImageUnsafe
 */
export function inspectVmdk(head: ByteReader, tail: ByteReader | undefined): number {
  check(head.hasText(0, 'KDMV'), 'Unsupported subformat')
  const version = head.u32le(4)
  check(version >= 1 && version <= 3, `Unsupported format version ${version}`)
  check(head.u64le(28) === DESCRIPTOR_SECTOR, 'Wrong descriptor location')
  const bytes = Math.min(head.u64le(36) * SECTOR_BYTES, DESCRIPTOR_BYTES_MAX)
  const text = head.slice(SECTOR_BYTES, bytes).toString('latin1').toLowerCase()
  checkDescriptor(text.split('\0', 1)[0] ?? '')
  const hasFooter = head.slice(56, 8).every((byte) => byte === 0xff)
  if (hasFooter && tail) checkFooter(head, tail)
  return head.u64le(12) * SECTOR_BYTES
}

function checkDescriptor(text: string): void {
  const lines = text.split('\n').map((line) => line.trim())
  const createType = lines.find((line) => line.startsWith('createtype='))?.slice('createtype='.length)
  check(SUBFORMATS.includes(createType?.replaceAll('"', '') ?? ''), 'Unsupported subformat')
  const isExtent = (line: string) => EXTENT_ACCESS.includes(line.split(' ', 1)[0] ?? '')
  const isKnown = (line: string) =>
    line === '' || line.startsWith('#') || line.startsWith('ddb') || /^[^ =]+=/.test(line) || isExtent(line)
  check(lines.every(isKnown), 'Invalid VMDK descriptor data')
  const extents = lines.filter(isExtent)
  check(extents.length > 0, 'No extents found')
  check(!extents.some((line) => line.includes('/')), 'Invalid extent filenames found')
}

// The footer overrides the header, so it must not say anything else than what was checked.
function checkFooter(head: ByteReader, tail: ByteReader): void {
  const end = new ByteReader(tail.bytes.subarray(-VMDK_FOOTER_BYTES))
  const footer = end.slice(SECTOR_BYTES, SECTOR_BYTES)
  check(footer.subarray(0, 8).equals(head.slice(0, 8)), 'Header and footer do not match')
  check(footer.subarray(28, 44).equals(head.slice(28, 16)), 'Footer specifies a different descriptor')
  check(!footer.subarray(56, 64).equals(head.slice(56, 8)), 'Footer indicates another footer')
  check(end.u32le(8) === 0 && end.u32le(12) === FOOTER_MARKER, 'Footer marker is invalid')
  const endOfStream = end.slice(2 * SECTOR_BYTES, SECTOR_BYTES)
  check(
    endOfStream.every((byte) => byte === 0),
    'End-of-stream marker is invalid',
  )
}

function check(isFine: boolean, reason: string): void {
  if (!isFine) throw ImageUnsafe({ check: 'descriptor', reason })
}
