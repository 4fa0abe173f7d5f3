/** The command line of QEMU, word by word where a word is a promise. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuestSpec } from '../hypervisor.ts'
import { GuestDirectory } from './guest-directory.ts'
import { type MachineOptions, qemuArguments } from './qemu-arguments.ts'

const ID = '3f0c8f5e-58f1-4c0e-9f9d-000100000001'
const MACHINE: MachineOptions = { machineType: 'q35', accelerator: 'tcg', isSandboxed: true }

test('a guest is recognized as one of OpenStack', () => {
  const expected = `type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,serial=${ID},uuid=${ID}`
  assert.equal(argumentOf('-smbios', wordsFor()), expected)
  assert.equal(argumentOf('-uuid', wordsFor()), ID)
})

test('an interface is a tap device with the address and size of its port', () => {
  const port = { portId: ID, macAddress: 'fa:16:3e:01:02:03', tapName: 'tap3f0c', mtu: 1400 }
  const words = wordsFor({ interfaces: [port, { ...port, tapName: 'tap4' }] })
  assert.ok(words.includes('tap,id=net0,ifname=tap3f0c,script=no,downscript=no'))
  assert.ok(words.includes('tap,id=net1,ifname=tap4,script=no,downscript=no'))
  assert.ok(words.includes('virtio-net-pci,netdev=net0,mac=fa:16:3e:01:02:03,host_mtu=1400,romfile='))
})

test('what a base image claims to stand on is never opened', () => {
  const rootDisk = { basePath: '/images/a,b', baseFormat: 'qcow2', sizeBytes: 1 } as const
  const disk = JSON.parse(argumentOf('-blockdev', wordsFor({ rootDisk })))
  assert.equal(disk.backing.driver, 'qcow2')
  assert.equal(disk.backing.file.filename, '/images/a,b')
  assert.equal(disk.backing['read-only'], true)
  assert.equal(disk.backing.backing, null)
})

test('space that the guest discards is given back', () => {
  const disk = JSON.parse(argumentOf('-blockdev', wordsFor()))
  assert.equal(disk.discard, 'unmap')
  assert.equal(disk.file.discard, 'unmap')
})

test('a config drive is attached after the root disk, and read-only', () => {
  const words = wordsFor({ configDrivePath: '/drives/1' })
  const disk = JSON.parse(words[words.lastIndexOf('-blockdev') + 1] ?? '')
  assert.equal(disk['node-name'], 'config')
  assert.equal(disk['read-only'], true)
  assert.ok(
    words.indexOf('virtio-blk-pci,drive=root,bootindex=0') < words.indexOf('virtio-blk-pci,drive=config'),
  )
})

test('a kernel is booted with its ramdisk and words', () => {
  const words = wordsFor({ kernel: { kernelPath: '/k', initrdPath: '/i', commandLine: 'a=b console=ttyS0' } })
  assert.deepEqual(words.slice(-6), ['-kernel', '/k', '-initrd', '/i', '-append', 'a=b console=ttyS0'])
  assert.ok(
    words.includes('virtio-blk-pci,drive=root'),
    'the disk does not claim the first place to boot from',
  )
})

test('KVM guests get the processor of the host, TCG guests all that can be emulated', () => {
  assert.equal(argumentOf('-cpu', wordsFor({}, { ...MACHINE, accelerator: 'kvm' })), 'host')
  assert.equal(argumentOf('-accel', wordsFor({}, { ...MACHINE, accelerator: 'kvm' })), 'kvm')
  assert.equal(argumentOf('-cpu', wordsFor()), 'max')
  assert.equal(argumentOf('-accel', wordsFor()), 'tcg,thread=multi')
})

test('the sandbox is left out only where QEMU has none', () => {
  assert.match(argumentOf('-sandbox', wordsFor()), /^on,.*spawn=deny/)
  assert.ok(!wordsFor({}, { ...MACHINE, isSandboxed: false }).includes('-sandbox'))
})

test('a comma in a path ends no option', () => {
  const words = qemuArguments(specOf({}), new GuestDirectory('/a,b', ID), MACHINE)
  assert.ok(words.includes(`file,id=console,path=/a,,b/${ID}/console.log,append=on`))
  assert.ok(words.includes(`socket,id=qmp,path=/a,,b/${ID}/qmp.sock,server=on,wait=off`))
})

function wordsFor(change: Partial<GuestSpec> = {}, machine = MACHINE): readonly string[] {
  return qemuArguments(specOf(change), new GuestDirectory('/state', ID), machine)
}

function specOf(change: Partial<GuestSpec>): GuestSpec {
  return {
    id: ID,
    name: 'web',
    fence: 1,
    vcpus: 2,
    ramMib: 512,
    rootDisk: { basePath: '/images/web', baseFormat: 'raw', sizeBytes: 1024 ** 3 },
    interfaces: [],
    ...change,
  }
}

function argumentOf(option: string, words: readonly string[]): string {
  return words[words.indexOf(option) + 1] ?? ''
}
