/** The command line of QEMU for a guest (qemu(1)). Pure: the same guest gives the same words. */

import type { GuestInterface, GuestSpec } from '../hypervisor.ts'
import type { GuestDirectory } from './guest-directory.ts'

export type MachineType = 'q35' | 'pc'

export interface MachineOptions {
  readonly machineType: MachineType
  readonly accelerator: 'kvm' | 'tcg'
  /** False when this QEMU was built without seccomp. */
  readonly isSandboxed: boolean
}

/** The id of the console's character device, for the monitor. */
export const CONSOLE_DEVICE_ID = 'console'

export function qemuArguments(
  spec: GuestSpec,
  directory: GuestDirectory,
  options: MachineOptions,
): readonly string[] {
  return [
    ...['-name', `guest=${escapeOption(printable(spec.name))}`],
    ...['-uuid', spec.id],
    ...['-pidfile', directory.pidPath],
    ...machineArguments(options),
    ...['-smp', `cpus=${spec.vcpus}`],
    ...['-m', `size=${spec.ramMib}M`],
    ...['-rtc', 'base=utc'],
    ...['-boot', 'strict=on'],
    ...['-smbios', smbios(spec.id)],
    ...['-chardev', `socket,id=qmp,path=${escapeOption(directory.socketPath)},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', `file,id=${CONSOLE_DEVICE_ID},path=${escapeOption(directory.consolePath)},append=on`],
    ...['-serial', `chardev:${CONSOLE_DEVICE_ID}`],
    ...['-object', 'rng-random,id=entropy,filename=/dev/urandom'],
    ...['-device', 'virtio-rng-pci,rng=entropy'],
    ...rootDiskArguments(directory.diskPath, spec),
    ...(spec.configDrivePath === undefined ? [] : configDriveArguments(spec.configDrivePath)),
    ...spec.interfaces.flatMap(interfaceArguments),
    ...(spec.kernel === undefined
      ? []
      : [
          ...['-kernel', spec.kernel.kernelPath],
          ...['-initrd', spec.kernel.initrdPath],
          ...['-append', spec.kernel.commandLine],
        ]),
  ]
}

/** The machine without its devices: what the accelerator probe shares with the guests. */
export function machineArguments({
  machineType,
  accelerator,
  isSandboxed,
}: MachineOptions): readonly string[] {
  return [
    ...['-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-vga', 'none'],
    ...['-machine', machineType],
    ...(accelerator === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'max']),
    ...(isSandboxed ? sandboxArguments : []),
  ]
}

/** A guest that breaks out of QEMU can neither start programs nor gain rights. */
export const sandboxArguments: readonly string[] = [
  '-sandbox',
  'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
]

/** cloud-init and others recognize an OpenStack guest by these words of DMI. */
function smbios(id: string): string {
  return `type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,serial=${id},uuid=${id}`
}

function rootDiskArguments(diskPath: string, { rootDisk, kernel }: GuestSpec): readonly string[] {
  const { basePath, baseFormat } = rootDisk
  const file = (filename: string) => ({ driver: 'file', filename, discard: 'unmap' })
  // The chain is spelled out and ends at the base: whatever a base image claims to stand on is never opened.
  const base = { driver: baseFormat, 'read-only': true, file: { driver: 'file', filename: basePath } }
  const disk = {
    driver: 'qcow2',
    'node-name': 'root',
    discard: 'unmap',
    file: file(diskPath),
    backing: baseFormat === 'qcow2' ? { ...base, backing: null } : base,
  }
  // A kernel given to QEMU takes the first place in the boot order for itself.
  const bootOrder = kernel === undefined ? ',bootindex=0' : ''
  return ['-blockdev', JSON.stringify(disk), '-device', `virtio-blk-pci,drive=root${bootOrder}`]
}

function configDriveArguments(path: string): readonly string[] {
  const drive = {
    driver: 'raw',
    'node-name': 'config',
    'read-only': true,
    file: { driver: 'file', filename: path },
  }
  return ['-blockdev', JSON.stringify(drive), '-device', 'virtio-blk-pci,drive=config']
}

function interfaceArguments({ macAddress, tapName, mtu }: GuestInterface, index: number): readonly string[] {
  const netdev = `tap,id=net${index},ifname=${escapeOption(tapName)},script=no,downscript=no`
  // Without an option ROM the firmware does not try to boot from the network.
  const device = `virtio-net-pci,netdev=net${index},mac=${macAddress},host_mtu=${mtu},romfile=`
  return ['-netdev', netdev, '-device', device]
}

/** In QEMU's option lists a comma ends a value, and two are one. */
function escapeOption(value: string): string {
  return value.replaceAll(',', ',,')
}

/** A server's name may hold any character, a command line may not. */
function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, '?')
}
