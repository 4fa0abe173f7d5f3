/**
 * The rule by which a position moves: Vivaldi's springs, all at once and none too strong.
 *
 * Each remembered measurement of a site j pulls this site i towards or away from where j was, as far as the round trip is
 * wrongly predicted. The site follows the weighted mean of the pulls:
 *
 *     gap_j    = rtt_j - distance(i, j)                        what is missing, in ms
 *     weight_j = e_i / (e_i + e_j)                             who is less sure moves more (Vivaldi §4.2)
 *              / √max(rtt_j, rttMsMin)                         a millisecond matters more on a short way
 *              / (|gap_j| + softness · rtt_j)                  no spring is stronger than its direction (Huber)
 *     move     = rate · Σ weight_j · gap_j · direction_j / Σ weight_j
 *
 * Many springs at once, with those of near sites kept, are what Ledlie, Pietzuch and Seltzer ("Network coordinates in the
 * wild", NSDI 2007, §5) call neighbour decay: a single one leaves the position shaking by its own error for ever. The
 * weights make this a descent towards the least sum of √rtt-weighted absolute errors instead of squared ones; matrices of
 * the Internet have errors far too unequal for squares.
 *
 * A height is no more than half of any of these round trips: a law of physics, which an attacker can stretch but
 * not break (in the manner of Newton: Seibert, Becker, Nita-Rotaru, "Securing virtual coordinates by enforcing physical
 * laws", 2014). It also frees two sites of one town from high places on which each explains the world alone.
 */

import { fraction, type Random } from '@atoll/kit'
import {
  COORDINATE_MS_MAX,
  DIMENSIONS,
  distanceInCoreMs,
  ERROR_MAX,
  HEIGHT_MS_MIN,
  type Position,
} from './position.ts'
import type { Sample } from './samples.ts'
import type { PositionSettings } from './settings.ts'

export interface FitOptions {
  readonly own: Position
  /** Not empty. */
  readonly samples: readonly Sample[]
  /** For a direction between two sites at the same place. */
  readonly random: Random
  readonly settings: PositionSettings
}

/** Below so many samples nobody can tell who is out of line. */
const SAMPLES_TO_JUDGE = 16

/** The position after one step. Depends on nothing but its options, and changes none of them. */
export function fitPosition({ own, samples, random, settings }: FitOptions): Position {
  const { ways, gaps, errors } = compare(own, samples)
  const errorMax = tolerated(errors, settings.outlierFactor)
  const factMs = undoubtedMs(samples)
  const move = new Float64Array(DIMENSIONS)
  let [lift, weights, rttMsLeast, index] = [0, 0, COORDINATE_MS_MAX, 0]
  for (const { position, rttMs } of samples) {
    const [way = 0, gapMs = 0, error = 0] = [ways[index], gaps[index], errors[index]]
    index++
    rttMsLeast = Math.min(rttMsLeast, rttMs)
    const isOdd = error > errorMax
    if (isOdd && rttMs > factMs) continue
    const weight =
      own.error /
      (own.error + Math.max(position.error, settings.errorMin)) /
      Math.sqrt(Math.max(rttMs, isOdd ? settings.oddRttMsMin : settings.rttMsMin)) /
      (Math.abs(gapMs) + settings.softness * rttMs)
    weights += weight
    lift += weight * gapMs
    if (way < HEIGHT_MS_MIN) addAnyDirection(move, weight * gapMs, random)
    else addDirection(move, own.vector, position.vector, (weight * gapMs) / way)
  }
  if (weights === 0) return own
  const step = settings.rate / weights
  return Object.freeze({
    vector: own.vector.map((value, axis) => bounded(value + step * (move[axis] ?? 0))),
    heightMs: Math.max(HEIGHT_MS_MIN, Math.min(own.heightMs + step * lift, rttMsLeast / 2)),
    error: nextError(own.error, { samples, errors, settings }),
  })
}

/** No site is higher than half of a round trip that was measured from there. */
export function withHeightAtMost(own: Position, heightMs: number): Position {
  if (own.heightMs <= heightMs) return own
  return Object.freeze({ ...own, heightMs: Math.max(HEIGHT_MS_MIN, heightMs) })
}

interface Comparison {
  /** To each sample's place through the core, in ms. */
  readonly ways: Float64Array
  /** By how much the measured round trip is longer than the predicted one, in ms. */
  readonly gaps: Float64Array
  /** The gap as a share of the measured round trip, without sign. */
  readonly errors: Float64Array
}

function compare(own: Position, samples: readonly Sample[]): Comparison {
  const ways = new Float64Array(samples.length)
  const gaps = new Float64Array(samples.length)
  const errors = new Float64Array(samples.length)
  for (let index = 0; index < samples.length; index++) {
    const sample = samples[index]
    if (!sample) continue
    const { position, rttMs } = sample
    const way = distanceInCoreMs(own.vector, position.vector)
    const gapMs = rttMs - way - own.heightMs - position.heightMs
    ways[index] = way
    gaps[index] = gapMs
    errors[index] = Math.abs(gapMs) / rttMs
  }
  return { ways, gaps, errors }
}

/** The greatest error that still pulls. */
function tolerated(errors: Float64Array, outlierFactor: number): number {
  if (errors.length < SAMPLES_TO_JUDGE) return Number.POSITIVE_INFINITY
  return outlierFactor * (errors.toSorted()[errors.length >> 1] ?? 0)
}

/**
 * The nearest sixteenth always pulls: that they are near is a fact, as nobody can answer early, and two sites of a town that
 * lie apart would reject each other for ever. One that is out of line pulls no harder than a site at `oddRttMsMin`.
 */
function undoubtedMs(samples: readonly Sample[]): number {
  return Float64Array.from(samples, ({ rttMs }) => rttMs).sort()[samples.length >> 4] ?? 0
}

function addDirection(
  sum: Float64Array,
  at: readonly number[],
  from: readonly number[],
  factor: number,
): void {
  for (let axis = 0; axis < DIMENSIONS; axis++)
    sum[axis] = (sum[axis] ?? 0) + factor * ((at[axis] ?? 0) - (from[axis] ?? 0))
}

function addAnyDirection(sum: Float64Array, length: number, random: Random): void {
  const direction = Float64Array.from({ length: DIMENSIONS }, () => fraction(random) - 0.5)
  const norm = Math.hypot(...direction) || 1
  for (let axis = 0; axis < DIMENSIONS; axis++)
    sum[axis] = (sum[axis] ?? 0) + (length * (direction[axis] ?? 0)) / norm
}

/** The mean error over the samples, those of sure sites first, smoothed over time. */
function nextError(
  error: number,
  { samples, errors, settings }: Pick<FitOptions, 'samples' | 'settings'> & Pick<Comparison, 'errors'>,
): number {
  let [sum, weights, index] = [0, 0, 0]
  for (const { position } of samples) {
    const weight = 1 / (1 + position.error)
    sum += weight * Math.min(ERROR_MAX, errors[index] ?? 0)
    weights += weight
    index++
  }
  return (1 - settings.errorWeight) * error + (settings.errorWeight * sum) / weights
}

function bounded(coordinate: number): number {
  return Math.max(-COORDINATE_MS_MAX, Math.min(COORDINATE_MS_MAX, coordinate))
}
