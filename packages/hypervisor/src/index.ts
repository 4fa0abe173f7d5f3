/** Guests on a host: QEMU through QMP, and a simulated host beside it that keeps the same contracts. */

export * from './errors.ts'
export { HeldHypervisor, type HeldHypervisorOptions } from './held-hypervisor.ts'
export * from './hypervisor.ts'
export { type BootSectorBehaviour, bootSector, printingBootSector } from './qemu/boot-sector.ts'
export { CONSOLE_FILE_BYTES_MAX } from './qemu/console-log.ts'
export type { MachineType } from './qemu/qemu-arguments.ts'
export * from './qemu/qemu-hypervisor.ts'
export type { QemuHypervisorOptions, StartStep } from './qemu/qemu-options.ts'
export { type Accelerator, type AcceleratorOptions, chooseAccelerator } from './qemu/qemu-program.ts'
export * from './qemu/qmp-client.ts'
export * from './simulated/simulated-hypervisor.ts'
export * from './simulated/simulated-machine.ts'
