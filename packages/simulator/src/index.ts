/**
 * Deterministic simulation: time, rest, death and a trace, for whole processes in one; and thousands of sites that
 * exchange datagrams. Knows no service.
 */

export { DatagramNetwork, type DatagramNetworkOptions, type Traffic } from './datagrams/datagram-network.ts'
export { Life } from './life.ts'
export { type NearestQuality, NearestRun, type NearestRunOptions } from './nearest/nearest-run.ts'
export { CyclonRun, type CyclonRunOptions } from './overlay/cyclon-run.ts'
export { type GraphMeasures, type GraphOptions, measureGraph } from './overlay/graph.ts'
export { OverlayRun, type OverlayRunOptions } from './overlay/overlay-run.ts'
export { plotDistribution } from './overlay/plot.ts'
export { poissonUpperBound } from './overlay/poisson-bound.ts'
export { scenarios } from './overlay/scenarios/index.ts'
export {
  type Distribution,
  type Figure,
  quantile,
  type Scenario,
  type ScenarioOptions,
  type ScenarioReport,
} from './overlay/scenarios/scenario.ts'
export { spreadMatrix } from './overlay/spread-matrix.ts'
export {
  type Accuracy,
  type Liars,
  type Lie,
  type LieContext,
  PositionRun,
  type PositionRunOptions,
} from './positions/position-run.ts'
export { type LookupCounts, RingRun, type RingRunOptions } from './ring/ring-run.ts'
export { DenseMatrix, type DenseMatrixOptions } from './rtt/dense-matrix.ts'
export { driftMatrix, type GenerateMatrixOptions, generateMatrix } from './rtt/generate-matrix.ts'
export { parseMatrix, type ReadMatrixOptions, readMatrix } from './rtt/read-matrix.ts'
export type { RttMatrix } from './rtt/rtt-matrix.ts'
export { seedsToRun } from './seeds.ts'
export { SimulatedClock } from './simulated-clock.ts'
export { type Seed, Simulation, SimulationFailed } from './simulation.ts'
export { Trace } from './trace.ts'
