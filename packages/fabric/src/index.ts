/** The host's networking: what it promises, the Linux driver, and a simulated one that keeps the same promises. */

export { type DhcpOptions, LEASE_SECONDS } from './dhcp-options.ts'
export * from './errors.ts'
export * from './fabric.ts'
export { LinuxFabric, type LinuxFabricOptions } from './linux/linux-fabric.ts'
export type { Step } from './linux/plan.ts'
export type { ProgramCall, RunProgram } from './linux/program.ts'
export type { Attach } from './linux/wanted.ts'
export { SimulatedFabric, type SimulatedFabricOptions } from './simulated/simulated-fabric.ts'
export {
  type SimulatedLease,
  SimulatedUnderlay,
  type SimulatedUnderlayOptions,
} from './simulated/simulated-underlay.ts'
