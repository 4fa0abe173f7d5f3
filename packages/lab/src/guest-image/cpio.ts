/**
 * Writes the archive that the kernel unpacks as its first file system: cpio in the "newc" form
 * (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). Written here because the archive needs device
 * nodes owned by root, and whoever builds the image need not be root.
 */

export type ArchiveEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly content: Uint8Array
      readonly isExecutable: boolean
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'device'; readonly path: string; readonly major: number; readonly minor: number }

/** The archive of `entries`, all owned by root, without time stamps. A directory must come before what is in it. */
export function cpioArchive(entries: readonly ArchiveEntry[]): Buffer {
  const parts = entries.map((entry, index) => record(entry, index + 1))
  return Buffer.concat([...parts, record({ kind: 'directory', path: 'TRAILER!!!' }, 0)])
}

function record(entry: ArchiveEntry, inode: number): Buffer {
  const content = contentOf(entry)
  const name = Buffer.from(`${entry.path}\0`)
  const device = entry.kind === 'device' ? entry : { major: 0, minor: 0 }
  const fields = [
    inode,
    inode === 0 ? 0 : modeOf(entry),
    0, // user
    0, // group
    1, // links
    0, // modification time
    content.length,
    0, // device of the file itself, two numbers
    0,
    device.major,
    device.minor,
    name.length,
    0, // checksum, unused in this form
  ]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(content)])
}

function contentOf(entry: ArchiveEntry): Uint8Array {
  if (entry.kind === 'file') return entry.content
  return entry.kind === 'link' ? Buffer.from(entry.target) : Buffer.alloc(0)
}

function modeOf(entry: ArchiveEntry): number {
  switch (entry.kind) {
    case 'directory':
      return 0o040755
    case 'file':
      return entry.isExecutable ? 0o100755 : 0o100644
    case 'link':
      return 0o120777
    case 'device':
      return 0o020600
  }
}

/** Header with name, and content, each end at a multiple of four bytes. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
