import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cpioArchive } from './cpio.ts'
import { guestFiles } from './guest-archive.ts'
import { kernelModules } from './kernel-modules.ts'

describe('a cpio archive', () => {
  const archive = cpioArchive([
    { kind: 'directory', path: 'dev' },
    { kind: 'device', path: 'dev/console', major: 5, minor: 1 },
    { kind: 'file', path: 'init', content: Buffer.from('hello'), isExecutable: true },
    { kind: 'link', path: 'sbin', target: 'bin' },
  ])

  test('is read back as the kernel reads it', () => {
    const entries = readArchive(archive)
    assert.deepEqual(
      entries.map(({ path, mode, content, device }) => [path, mode.toString(8), content, device]),
      [
        ['dev', '40755', '', '0:0'],
        ['dev/console', '20600', '', '5:1'],
        ['init', '100755', 'hello', '0:0'],
        ['sbin', '120777', 'bin', '0:0'],
        ['TRAILER!!!', '0', '', '0:0'],
      ],
    )
  })

  test('ends at a multiple of four bytes', () => {
    assert.equal(archive.length % 4, 0)
  })
})

describe('the files of the guest', () => {
  test('are programs where the guest runs them, and come behind their directories', async () => {
    const files = await guestFiles()
    const seen = new Set<string>()
    for (const { path } of files) {
      const parent = path.split('/').slice(0, -1).join('/')
      assert.ok(parent === '' || seen.has(parent), path)
      seen.add(path)
    }
    for (const path of [
      'etc/atoll/boot',
      'etc/atoll/configure',
      'etc/atoll/dhcp',
      'etc/acpi/PWRF/00000080',
    ]) {
      assert.ok(
        files.some((file) => file.path === path && file.kind === 'file' && file.isExecutable),
        path,
      )
    }
  })
})

describe('kernel modules', () => {
  let directory = ''
  const module = (depends: string) => `\x7fELF\0license=GPL\0depends=${depends}\0name=x\0`

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'atoll-modules-'))
    await mkdir(join(directory, 'kernel/net'), { recursive: true })
    await writeFile(join(directory, 'kernel/net/virtio_net.ko'), module('virtio,net-failover'))
    await writeFile(join(directory, 'kernel/net/net_failover.ko'), module('failover'))
    await writeFile(join(directory, 'kernel/failover.ko'), module(''))
    await writeFile(join(directory, 'kernel/virtio.ko'), module(''))
    await writeFile(join(directory, 'kernel/unused.ko'), module(''))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  test('stand behind those that they need, once, and without those that nobody asked for', async () => {
    const modules = await kernelModules(directory, ['virtio', 'virtio_net', 'built_in'])
    assert.deepEqual(
      modules.map(({ name }) => name),
      ['virtio', 'failover', 'net_failover', 'virtio_net'],
    )
  })
})

interface ReadEntry {
  readonly path: string
  readonly mode: number
  readonly content: string
  readonly device: string
}

function readArchive(archive: Buffer): readonly ReadEntry[] {
  const entries: ReadEntry[] = []
  for (let at = 0; at < archive.length; ) {
    assert.equal(archive.toString('latin1', at, at + 6), '070701')
    const field = (number: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + number * 8, at + 14 + number * 8), 16)
    const nameEnd = at + 110 + field(11)
    const contentStart = Math.ceil(nameEnd / 4) * 4
    entries.push({
      path: archive.toString('utf8', at + 110, nameEnd - 1),
      mode: field(1),
      content: archive.toString('utf8', contentStart, contentStart + field(6)),
      device: `${field(9)}:${field(10)}`,
    })
    at = Math.ceil((contentStart + field(6)) / 4) * 4
  }
  return entries
}
