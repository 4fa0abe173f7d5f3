/** Deterministic simulation: time, rest, death and a trace, for whole processes in one. Knows no service. */

export { Life } from './life.ts'
export { seedsToRun } from './seeds.ts'
export { SimulatedClock } from './simulated-clock.ts'
export { type Seed, Simulation, SimulationFailed } from './simulation.ts'
export { Trace } from './trace.ts'
