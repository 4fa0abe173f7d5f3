/** Positions alone, on a matrix: in each round every site measures another one, chosen by chance as gossip does. */

import { fraction, type Random, seededRandom } from '@atoll/kit'
import { distanceMs, type Position, type PositionSettings, Positions, writePosition } from '@atoll/overlay'
import type { DenseMatrix } from '../rtt/dense-matrix.ts'

export interface PositionRunOptions {
  readonly matrix: DenseMatrix
  readonly seed: number
  readonly settings?: Partial<PositionSettings>
  /** The share of measurements that take up to ten times as long: a queue, a pause. Default: 0. */
  readonly spikes?: number
  /** How long a measurement takes at most beyond the truth, as a share of it. Default: 0. */
  readonly jitter?: number
  /** Sites that lie, and how. Default: none. */
  readonly liars?: Liars
}

export interface Liars {
  /** Of all sites, the first ones. */
  readonly share: number
  /** What a liar says of itself, and by how much it holds its answer back. */
  readonly lie: (context: LieContext) => Lie
}

export interface LieContext {
  readonly liar: number
  readonly victim: number
  readonly truth: Position
  readonly round: number
  readonly random: Random
}

export interface Lie {
  readonly position: unknown
  readonly delayMs: number
}

/** Of the predicted round trips, by what share of the measured one they are wrong. */
export interface Accuracy {
  readonly median: number
  readonly p90: number
}

export class PositionRun {
  matrix: DenseMatrix
  readonly positions: readonly Positions[]
  readonly #options: PositionRunOptions
  readonly #random: Random
  readonly #liars: number
  #round = 0

  constructor(options: PositionRunOptions) {
    const { matrix, seed, settings = {}, liars } = options
    this.#options = options
    this.matrix = matrix
    this.#random = seededRandom(`${seed}/positions`)
    this.#liars = Math.round((liars?.share ?? 0) * matrix.size)
    this.positions = matrix.sites.map(
      (site) => new Positions({ site, random: seededRandom(`${seed}/${site}`), settings }),
    )
  }

  pass(rounds: number): void {
    for (let count = 0; count < rounds; count++) {
      this.#round++
      for (let site = 0; site < this.matrix.size; site++) this.#measure(site)
    }
  }

  /** Over all measured pairs of sites that do not lie. */
  accuracy(): Accuracy {
    const { size } = this.matrix
    const errors: number[] = []
    for (let from = this.#liars; from < size; from++) {
      for (let to = this.#liars; to < size; to++) {
        const rttMs = this.matrix.measuredMs(from, to)
        const [here, there] = [this.positions[from]?.own, this.positions[to]?.own]
        if (rttMs === undefined || !here || !there) continue
        errors.push(Math.abs(distanceMs(here, there) - rttMs) / rttMs)
      }
    }
    errors.sort((left, right) => left - right)
    const at = (share: number) => errors[Math.ceil(share * errors.length) - 1] ?? Number.NaN
    return { median: at(0.5), p90: at(0.9) }
  }

  #measure(site: number): void {
    const { spikes = 0, jitter = 0, liars } = this.#options
    const random = this.#random
    const other = (site + 1 + random.below(this.matrix.size - 1)) % this.matrix.size
    const truthMs = this.matrix.measuredMs(site, other)
    const [here, there] = [this.positions[site], this.positions[other]]
    if (truthMs === undefined || !here || !there) return
    const noise = jitter * fraction(random)
    const spike = fraction(random) < spikes ? 9 * fraction(random) : 0
    const rttMs = truthMs * (1 + noise + spike)
    const context = { liar: other, victim: site, truth: there.own, round: this.#round, random }
    const lie = liars && other < this.#liars && site >= this.#liars ? liars.lie(context) : undefined
    here.measured(
      this.matrix.sites[other] ?? '',
      lie ? lie.position : writePosition(there.own),
      rttMs + (lie?.delayMs ?? 0),
    )
  }
}
