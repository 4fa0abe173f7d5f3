import assert from 'node:assert/strict'
import test, { suite } from 'node:test'
import { AtollError } from '@atoll/kit'
import fc from 'fast-check'
import { FormatMismatch, ImageUnsafe } from './errors.ts'
import { DISK_FORMATS, type DiskFormat, HEAD_BYTES, inspectImage } from './inspect-image.ts'
import { seedOf } from './testing.ts'

const GIB = 1024 ** 3

suite('what is claimed and what is there', () => {
  const contents: Record<string, Buffer> = {
    raw: Buffer.alloc(4096, 'a'),
    gpt: at(510, '\x55\xaa'),
    iso: at(32 * 1024 + 1, 'CD001'),
    qcow2: qcow2(),
    qed: at(0, 'QED\0'),
    luks: at(0, 'LUKS\xba\xbe\0\x01'),
    vdi: at(64, '\x7f\x10\xda\xbe'),
    vhd: at(0, 'conectix'),
    vhdx: at(0, 'vhdxfile'),
    vmdk: vmdk(),
  }
  const accepted: Record<DiskFormat, readonly string[]> = {
    ami: ['raw', 'gpt'],
    ari: ['raw', 'gpt'],
    aki: ['raw', 'gpt'],
    ploop: ['raw', 'gpt'],
    raw: ['raw', 'gpt'],
    gpt: ['gpt'],
    iso: ['iso'],
    qcow2: ['qcow2'],
    vdi: ['vdi'],
    vhd: ['vhd'],
    vhdx: ['vhdx'],
    vmdk: ['vmdk'],
  }
  for (const claimed of DISK_FORMATS) {
    test(`${claimed} may be ${accepted[claimed].join(' or ')} and nothing else`, () => {
      for (const [actual, head] of Object.entries(contents)) {
        if (accepted[claimed].includes(actual)) {
          assert.equal(inspectImage(claimed, { head }).format, actual)
        } else {
          assert.throws(
            () => inspectImage(claimed, { head }),
            (error) => FormatMismatch.is(error) && error.message.includes(`detected as ${actual}`),
            `${actual} passed for ${claimed}`,
          )
        }
      }
    })
  }

  test('a bootable ISO has a partition table and is an ISO', () => {
    const head = at(510, '\x55\xaa', at(32 * 1024 + 1, 'CD001'))
    assert.equal(inspectImage('iso', { head }).format, 'iso')
    assert.throws(() => inspectImage('raw', { head }), FormatMismatch.is)
  })

  test('content of two formats is refused under either name', () => {
    const head = at(32 * 1024 + 1, 'CD001', Buffer.concat([qcow2(), Buffer.alloc(40_000)]))
    assert.throws(() => inspectImage('qcow2', { head }), FormatMismatch.is)
    assert.throws(() => inspectImage('iso', { head }), FormatMismatch.is)
  })

  test('a FAT file system is no partition table', () => {
    const head = at(0x10, '\x02', at(0x15, '\xf8', at(510, '\x55\xaa')))
    assert.equal(inspectImage('raw', { head }).format, 'raw')
  })

  test('the size of a raw image is known at its end', () => {
    const head = Buffer.alloc(100)
    assert.equal(inspectImage('raw', { head }).virtualSizeBytes, undefined)
    assert.equal(inspectImage('raw', { head, end: { sizeBytes: 100, tail: head } }).virtualSizeBytes, 100)
  })

  test('empty content is raw and nothing else', () => {
    const head = Buffer.alloc(0)
    assert.equal(inspectImage('raw', { head }).format, 'raw')
    assert.throws(() => inspectImage('qcow2', { head }), FormatMismatch.is)
  })
})

suite('qcow2', () => {
  test('a plain one gives its virtual size, in version 2 and 3', () => {
    for (const version of [2, 3]) {
      const inspection = inspectImage('qcow2', { head: qcow2({ version }) })
      assert.deepEqual(inspection, { format: 'qcow2', virtualSizeBytes: GIB })
    }
  })

  const refused: Record<string, readonly [changes: Qcow2Fields, check: string]> = {
    'a backing file': [{ backingOffset: 0x200n }, 'backing_file'],
    'the size of a backing file name': [{ backingSize: 12 }, 'backing_file'],
    'an external data file': [{ incompatible: 1n << 2n }, 'data_file'],
    'the name of an external data file': [{ extensions: [[0x44415441, '/etc/passwd']] }, 'data_file'],
    'that name behind other extensions': [
      {
        extensions: [
          [0x6803f857, 'names'],
          [0x44415441, '/etc/passwd'],
        ],
      },
      'data_file',
    ],
    'extended L2 entries': [{ incompatible: 1n << 4n }, 'unknown_features'],
    'an unknown feature in the high bits': [{ incompatible: 1n << 63n }, 'unknown_features'],
    'a corrupt mark': [{ incompatible: 1n << 1n }, 'corrupt'],
    'AES encryption': [{ cryptMethod: 1 }, 'encryption'],
    'LUKS encryption': [{ cryptMethod: 2 }, 'encryption'],
    'a header of encryption': [{ extensions: [[0x0537be77, 'luks']] }, 'encryption'],
    'version 1': [{ version: 1 }, 'unknown_features'],
    'version 4': [{ version: 4 }, 'unknown_features'],
    'a virtual size above 1 PiB': [{ size: 2n ** 50n + 1n, clusterBits: 21, l1Size: 3000 }, 'virtual_size'],
    'a virtual size of 2^64 - 1': [{ size: 2n ** 64n - 1n }, 'header'],
    'clusters of 256 bytes': [{ clusterBits: 8 }, 'header'],
    'clusters of 4 MiB': [{ clusterBits: 22 }, 'header'],
    'clusters of 2^4294967295': [{ clusterBits: 0xffff_ffff }, 'header'],
    'an L1 table of 32 GiB': [{ l1Size: 0xffff_ffff }, 'header'],
    'an L1 table that is too small': [{ l1Size: 1 }, 'header'],
    'an L1 table that is not aligned': [{ l1Offset: 3n }, 'header'],
    'no refcount table': [{ refcountClusters: 0 }, 'header'],
    'a refcount table of 16 MiB': [{ refcountClusters: 256 }, 'header'],
    'a refcount table beyond 2^63': [{ refcountOffset: 2n ** 63n }, 'header'],
    'refcounts of 2^7 bits': [{ refcountOrder: 7 }, 'header'],
    '4 billion snapshots': [{ snapshots: 0xffff_ffff }, 'header'],
    'a header of 100 bytes': [{ headerLength: 100 }, 'header'],
    'a header of 4 GiB': [{ headerLength: 0xffff_fff8 }, 'header'],
    'an extension of 4 GiB': [{ extensions: [[0x6803f857, 'names', 0xffff_ffff]] }, 'header'],
  }
  for (const [what, [changes, check]] of Object.entries(refused)) {
    test(`${what} is refused`, () => {
      assert.throws(
        () => inspectImage('qcow2', { head: qcow2(changes) }),
        (error) => ImageUnsafe.is(error) && error.message.startsWith(`Safety checks failed: ${check}:`),
      )
    })
  }

  test('a configured maximum of the virtual size is kept', () => {
    const head = qcow2()
    assert.throws(() => inspectImage('qcow2', { head }, { virtualBytesMax: GIB - 1 }), ImageUnsafe.is)
    assert.equal(inspectImage('qcow2', { head }, { virtualBytesMax: GIB }).virtualSizeBytes, GIB)
  })

  test('a header that is cut anywhere is refused', () => {
    const whole = qcow2({ extensions: [[0x6803f857, 'feature names']] })
    for (let length = 4; length < 136; length++) {
      assert.throws(
        () => inspectImage('qcow2', { head: whole.subarray(0, length) }),
        ImageUnsafe.is,
        `${length}`,
      )
    }
  })
})

suite('vmdk', () => {
  test('one that is a single file gives its virtual size', () => {
    for (const createType of ['monolithicSparse', 'streamOptimized']) {
      const inspection = inspectImage('vmdk', { head: vmdk({ createType }) })
      assert.deepEqual(inspection, { format: 'vmdk', virtualSizeBytes: GIB })
    }
  })

  const refused: Record<string, Buffer> = {
    'an extent elsewhere': vmdk({ extent: 'RW 2048 FLAT "/etc/passwd" 0' }),
    'another subformat': vmdk({ createType: 'monolithicFlat' }),
    'no extent': vmdk({ extent: '' }),
    'a line that nobody knows': vmdk({ extent: 'RW 1 SPARSE "a"\nparent file hint' }),
    'a bare descriptor': Buffer.from('# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\n'),
  }
  for (const [what, head] of Object.entries(refused)) {
    test(`${what} is refused`, () => {
      assert.throws(() => inspectImage('vmdk', { head }), ImageUnsafe.is)
      assert.throws(() => inspectImage('raw', { head }), FormatMismatch.is)
    })
  }

  test('a footer that says other than the header is refused', () => {
    const head = vmdk()
    head.fill(0xff, 56, 64)
    const tail = Buffer.alloc(1536)
    tail.writeUInt32LE(3, 12)
    head.copy(tail, 512, 0, 512)
    tail.fill(0, 512 + 56, 512 + 64)
    const inspect = () => inspectImage('vmdk', { head, end: { sizeBytes: 1e6, tail } })
    assert.equal(inspect().virtualSizeBytes, GIB)
    tail.writeBigUInt64LE(77n, 512 + 28)
    assert.throws(inspect, ImageUnsafe.is)
  })
})

test('whatever the bytes, the inspector answers or refuses, and never accepts a reference to another file', (t) => {
  const bases = [qcow2(), qcow2({ version: 2 }), qcow2({ extensions: [[0x6803f857, 'names']] }), vmdk()]
  const mutation = fc.tuple(fc.nat(700), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)))
  fc.assert(
    fc.property(
      fc.constantFrom(...bases),
      fc.array(mutation, { maxLength: 8 }),
      fc.oneof(fc.constant(HEAD_BYTES), fc.nat(1200)),
      fc.constantFrom(...DISK_FORMATS),
      fc.boolean(),
      (base, mutations, length, claimed, isEnded) => {
        const head = Buffer.from(base.subarray(0, length))
        for (const [offset, value] of mutations) if (offset < head.length) head[offset] = value
        const end = isEnded ? { sizeBytes: head.length, tail: head.subarray(-1536) } : undefined
        try {
          const { format, virtualSizeBytes } = inspectImage(claimed, { head, end })
          assert.ok(virtualSizeBytes === undefined || virtualSizeBytes <= 2 ** 50)
          if (format === 'qcow2') assert.equal(head.readBigUInt64BE(8), 0n)
          if (format === 'qcow2' && head[7] === 3) assert.equal((head[79] ?? 0) & 4, 0)
        } catch (error) {
          if (!(error instanceof AtollError)) throw error
        }
      },
    ),
    { seed: seedOf(t), numRuns: 20_000 },
  )
})

interface Qcow2Fields {
  readonly version?: number
  readonly backingOffset?: bigint
  readonly backingSize?: number
  readonly clusterBits?: number
  readonly size?: bigint
  readonly cryptMethod?: number
  readonly l1Size?: number
  readonly l1Offset?: bigint
  readonly refcountOffset?: bigint
  readonly refcountClusters?: number
  readonly snapshots?: number
  readonly incompatible?: bigint
  readonly refcountOrder?: number
  readonly headerLength?: number
  readonly extensions?: readonly (readonly [type: number, data: string, length?: number])[]
}

/** The first clusters of a qcow2 of 1 GiB, as `qemu-img create` writes them but for `fields`. */
function qcow2(fields: Qcow2Fields = {}): Buffer {
  const { version = 3, clusterBits = 16, headerLength = 112, extensions = [] } = fields
  const head = Buffer.alloc(4 * 65_536)
  head.write('QFI\xfb', 'latin1')
  head.writeUInt32BE(version, 4)
  head.writeBigUInt64BE(fields.backingOffset ?? 0n, 8)
  head.writeUInt32BE(fields.backingSize ?? 0, 16)
  head.writeUInt32BE(clusterBits, 20)
  head.writeBigUInt64BE(fields.size ?? BigInt(GIB), 24)
  head.writeUInt32BE(fields.cryptMethod ?? 0, 32)
  head.writeUInt32BE(fields.l1Size ?? 2, 36)
  head.writeBigUInt64BE(fields.l1Offset ?? 0x30000n * 64n, 40)
  head.writeBigUInt64BE(fields.refcountOffset ?? 0x10000n * 64n, 48)
  head.writeUInt32BE(fields.refcountClusters ?? 1, 56)
  head.writeUInt32BE(fields.snapshots ?? 0, 60)
  let at = 72
  if (version !== 2) {
    head.writeBigUInt64BE(fields.incompatible ?? 0n, 72)
    head.writeUInt32BE(fields.refcountOrder ?? 4, 96)
    head.writeUInt32BE(headerLength, 100)
    at = 112
  }
  for (const [type, data, length = data.length] of extensions) {
    head.writeUInt32BE(type, at)
    head.writeUInt32BE(length, at + 4)
    head.write(data, at + 8, 'latin1')
    at += 8 + Math.ceil(data.length / 8) * 8
  }
  return head
}

/** The head of a sparse VMDK of 1 GiB with its descriptor. */
function vmdk({ createType = 'monolithicSparse', extent = 'RW 2097152 SPARSE "disk.vmdk"' } = {}): Buffer {
  const head = Buffer.alloc(64 * 1024)
  head.write('KDMV', 'latin1')
  head.writeUInt32LE(1, 4)
  head.writeBigUInt64LE(BigInt(GIB / 512), 12)
  head.writeBigUInt64LE(1n, 28)
  head.writeBigUInt64LE(20n, 36)
  const descriptor = [
    '# Disk DescriptorFile',
    'version=1',
    `createType="${createType}"`,
    extent,
    'ddb.adapterType = "ide"',
  ]
  head.write(descriptor.join('\n'), 512, 'latin1')
  return head
}

/** Content with `text` (latin1) at `offset`. */
function at(offset: number, text: string, content: Buffer = Buffer.alloc(64 * 1024)): Buffer {
  const bytes = Buffer.from(content)
  bytes.write(text, offset, 'latin1')
  return bytes
}
