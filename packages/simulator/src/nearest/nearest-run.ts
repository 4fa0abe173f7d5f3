/** Positions and spirals of all sites of a matrix, over datagrams; and how near the sites that they find are to the nearest. */

import {
  type Contact,
  distanceMs,
  type Position,
  type PositionSettings,
  Positions,
  Spiral,
  type SpiralSettings,
} from '@atoll/overlay'
import { DatagramNetwork } from '../datagrams/datagram-network.ts'
import { PositionRun } from '../positions/position-run.ts'
import type { DenseMatrix } from '../rtt/dense-matrix.ts'

export interface NearestRunOptions {
  /** Equal from both ends; see `DenseMatrix.symmetric`. */
  readonly matrix: DenseMatrix
  readonly seed: number
  /** Measurements of each site, of others by chance, on which positions rest when the spirals start. */
  readonly measurements: number
  /**
   * What spirals know when they start: where all sites are and nothing else; or also the round trips that their own position
   * rests on, as in a cloud that runs.
   */
  readonly known: 'positions' | 'samples'
  readonly spiral?: Partial<SpiralSettings>
  readonly positions?: Partial<PositionSettings>
  readonly loss?: number
}

export interface NearestQuality {
  /** Of the `k` nearest sites of all sites, the share that was found. */
  readonly recall: number
  /** By how much the found site of each rank is further than the true one of that rank, over all sites and ranks. */
  readonly excessMsMedian: number
  readonly excessMsP90: number
  readonly excessMsP99: number
  /** Exchanges that a site started, on average and at most. */
  readonly probesMean: number
  readonly probesMax: number
}

export class NearestRun {
  readonly network: DatagramNetwork
  readonly spirals: readonly Spiral[]
  readonly positions: readonly Positions[]
  #matrix: DenseMatrix

  constructor(options: NearestRunOptions) {
    const { matrix, seed, measurements, known, spiral = {}, loss = 0 } = options
    this.#matrix = matrix
    this.network = new DatagramNetwork({ seed, rtt: matrix, jitter: 0.02, loss })
    const warmUp = new PositionRun({ matrix, seed, settings: options.positions ?? {} })
    warmUp.pass(measurements)
    this.positions =
      known === 'samples'
        ? warmUp.positions
        : warmUp.positions.map(
            ({ own }, index) =>
              new Positions({
                site: matrix.sites[index] ?? '',
                random: this.network.random(`${index}`),
                own,
              }),
          )
    this.spirals = matrix.sites.map((site, index) => {
      this.network.add(site)
      return new Spiral({
        environment: this.network.environmentOf(index),
        site,
        positions: this.#positionsOf(index),
        contactOf: (other) => this.#contactOf(other),
        settings: spiral,
      })
    })
    for (const [index, protocol] of this.spirals.entries()) this.network.start(index, protocol)
    this.#tellPositions()
  }

  pass(durationMs: number): void {
    this.network.run(this.network.nowMs + durationMs)
  }

  /** Other round trips from now on. */
  change(matrix: DenseMatrix): void {
    this.#matrix = matrix
    this.network.rtt = matrix
  }

  quality(k: number, found = (index: number) => this.#nearest(index, k)): NearestQuality {
    const excesses: number[] = []
    let [hits, sites] = [0, 0]
    for (let index = 0; index < this.#matrix.size; index++) {
      const truth = this.#truth(index)
      const kthMs = truth[k - 1] ?? 0
      const distances = found(index)
        .map((site) => this.#matrix.rttMs(index, this.network.indexOf(site) ?? index))
        .sort((left, right) => left - right)
      sites += k
      hits += distances.filter((rttMs) => rttMs <= kthMs).length
      for (let rank = 0; rank < k; rank++)
        excesses.push((distances[rank] ?? Number.POSITIVE_INFINITY) - (truth[rank] ?? 0))
    }
    excesses.sort((left, right) => left - right)
    const at = (share: number) => excesses[Math.ceil(share * excesses.length) - 1] ?? Number.NaN
    const probes = this.spirals.map((spiral) => spiral.probes)
    return {
      recall: hits / sites,
      excessMsMedian: at(0.5),
      excessMsP90: at(0.9),
      excessMsP99: at(0.99),
      probesMean: probes.reduce((sum, count) => sum + count, 0) / probes.length,
      probesMax: Math.max(...probes),
    }
  }

  /** What positions alone would answer. */
  byPositionAlone(k: number): NearestQuality {
    return this.quality(k, (index) => {
      const own = this.#positionsOf(index).own
      const others = this.positions.flatMap(({ own: there }, other) =>
        other === index ? [] : [{ other, there }],
      )
      others.sort((left, right) => distanceMs(own, left.there) - distanceMs(own, right.there))
      return others.slice(0, k).map(({ other }) => this.#matrix.sites[other] ?? '')
    })
  }

  /** As gossip of all sites' heads does: everybody has heard where everybody is. */
  #tellPositions(): void {
    const all = this.positions.map(({ own }): Position => own)
    for (const positions of this.positions)
      for (const [index, position] of all.entries())
        positions.heard(this.#matrix.sites[index] ?? '', position)
  }

  #nearest(index: number, k: number): readonly string[] {
    return this.spirals[index]?.nearest(k).map(({ site }) => site) ?? []
  }

  #truth(index: number): readonly number[] {
    const others = Array.from({ length: this.#matrix.size }, (_, other) => other).filter(
      (other) => other !== index,
    )
    return others.map((other) => this.#matrix.rttMs(index, other)).sort((left, right) => left - right)
  }

  #positionsOf(index: number): Positions {
    const positions = this.positions[index]
    if (!positions) throw new RangeError(`no site ${index}`)
    return positions
  }

  #contactOf(site: string): Contact | undefined {
    const index = this.network.indexOf(site)
    return index !== undefined && this.network.isUp(index) ? this.network.contactOf(index) : undefined
  }
}
