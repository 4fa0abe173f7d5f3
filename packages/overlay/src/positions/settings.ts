/** What can be set about positions. Each default was chosen on one slice of PlanetLab and measured on others. */

export interface PositionSettings {
  /**
   * So many of the last measurements pull at a position together, each of another site: memory of a few kilobytes and a
   * few microseconds for each measurement. Larger: steadier and nearer to the best place, slower to follow a change.
   */
  readonly samples: number
  /**
   * A site that starts lets the last `measurements / samplesGrowth` pull, at least one: what the others said of themselves
   * while they all looked for their places is worth nothing soon after.
   */
  readonly samplesGrowth: number
  /** Of the samples, so many of the nearest sites, and at most one of sixteen, stay whatever else is measured. */
  readonly nearestKept: number
  /** The part of the mean pull that is followed: 1 overshoots, as the other site may move as well, and heights do too. */
  readonly rate: number
  /**
   * The error, as a share of the round trip, below which a pull fades as in least squares; above it counts the direction
   * only, as in least absolute deviations (Huber: "Robust estimation of a location parameter", 1964), so that a few wrong
   * measurements, or lies, move nothing far.
   */
  readonly softness: number
  /** Shorter round trips weigh no more than this one, as a LAN's are mostly noise. */
  readonly rttMsMin: number
  /** Round trips are the least of so many of one site: delays only ever add (Ledlie et al., NSDI 2007, use the same filter). */
  readonly filterLength: number
  /** The weight of the newest in the mean of errors: 1 / so many measurements are remembered. */
  readonly errorWeight: number
  /** No site counts as surer than this of its place, whatever it says. */
  readonly errorMin: number
  /**
   * A measurement that is wrong by more than so many times the median error of the samples pulls at nothing: its site
   * lies, or a detour leads there. Only once there are enough samples to tell.
   */
  readonly outlierFactor: number
  /**
   * One of the nearest sites pulls even then, but no harder than one at this round trip: a near liar would otherwise pull ten
   * times as hard as an honest site far away.
   */
  readonly oddRttMsMin: number
  /** Positions of so many sites are kept, those heard of last. */
  readonly sitesMax: number
}

export const defaultPositionSettings: PositionSettings = Object.freeze({
  samples: 64,
  samplesGrowth: 6,
  nearestKept: 4,
  rate: 0.5,
  softness: 0.03,
  rttMsMin: 1,
  filterLength: 4,
  errorWeight: 0.1,
  errorMin: 0.05,
  outlierFactor: 12,
  oddRttMsMin: 30,
  sitesMax: 16_384,
})
