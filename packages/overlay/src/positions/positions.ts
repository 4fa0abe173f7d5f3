/**
 * The position of this site and what it knows of others', kept by the round trips of the failure detector's probes and of
 * whatever else is measured. It sends nothing itself.
 */

import type { Random } from '@atoll/kit'
import type { Contact } from '../protocol/contact.ts'
import type { ProbeRider } from '../protocol/rider.ts'
import { fitPosition, withHeightAtMost } from './fit-position.ts'
import { LatencyFilter } from './latency-filter.ts'
import {
  COORDINATE_MS_MAX,
  distanceMs,
  origin,
  type Position,
  readPosition,
  writePosition,
} from './position.ts'
import { type Sample, Samples } from './samples.ts'
import { defaultPositionSettings, type PositionSettings } from './settings.ts'

export interface PositionsOptions {
  readonly site: string
  readonly random: Random
  readonly settings?: Partial<PositionSettings>
  /** Where the site was before it restarted. Default: the middle, and it knows nothing. */
  readonly own?: Position
}

/** Called with what this site measured of another: the round trip after the filter. */
export type MeasurementListener = (site: string, rttMs: number) => void

export class Positions implements ProbeRider {
  readonly name = 'position'
  readonly settings: PositionSettings
  readonly #site: string
  readonly #random: Random
  readonly #samples: Samples
  readonly #filter: LatencyFilter
  /** Those heard of longest ago first. */
  readonly #positions = new Map<string, Position>()
  readonly #listeners = new Set<MeasurementListener>()
  #own: Position
  #refused = 0

  constructor({ site, random, settings, own = origin }: PositionsOptions) {
    this.settings = Object.freeze({ ...defaultPositionSettings, ...settings })
    this.#site = site
    this.#random = random
    this.#own = own
    this.#samples = new Samples(this.settings)
    this.#filter = new LatencyFilter({ length: this.settings.filterLength, sitesMax: this.settings.sitesMax })
  }

  get own(): Position {
    return this.#own
  }

  /** How often a site said something of itself that cannot be. */
  get refused(): number {
    return this.#refused
  }

  /** Of this site, or as that site said last. */
  of(site: string): Position | undefined {
    return site === this.#site ? this.#own : this.#positions.get(site)
  }

  /** The predicted round trip between two sites; undefined when the position of one is not known. */
  distanceMs(site: string, other: string = this.#site): number | undefined {
    const [here, there] = [this.of(site), this.of(other)]
    return here && there && distanceMs(here, there)
  }

  /** The sites whose positions are known, this one not among them. */
  known(): Iterable<[site: string, position: Position]> {
    return this.#positions.entries()
  }

  /** The measurements that the position rests on. */
  remembered(): Iterable<Sample> {
    return this.#samples.all()
  }

  onMeasurement(listener: MeasurementListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What this site says of itself to everybody. */
  load(): Position {
    return writePosition(this.#own)
  }

  /** Learns from a probe: what `from` said of itself, unchecked, and how long its answer took. */
  unload(from: Contact, data: unknown, rttMs: number): void {
    this.measured(from.site, data, rttMs)
  }

  /** Learns from any exchange with `site` of which the round trip was measured. */
  measured(site: string, data: unknown, rttMs: number): void {
    if (site === this.#site || !(rttMs > 0) || rttMs > COORDINATE_MS_MAX) return
    const leastMs = this.#filter.measured(site, rttMs)
    for (const listener of this.#listeners) listener(site, leastMs)
    if (data === undefined) return
    const position = readPosition(data)
    // The way into a site is a part of every way to it.
    if (!position || position.heightMs > rttMs) {
      this.#refused++
      // Of this site's way, too: else two near each other, each on a height of its own, would refuse each other for ever.
      this.#own = withHeightAtMost(this.#own, leastMs / 2)
      return
    }
    this.#keep(site, position)
    this.#samples.add({ site, position, rttMs: leastMs })
    this.#own = fitPosition({
      own: this.#own,
      samples: [...this.#samples.all()],
      random: this.#random,
      settings: this.settings,
    })
  }

  /** Takes note of where others say that `site` is: a hint of where to look, which moves nothing. */
  heard(site: string, data: unknown): void {
    if (site === this.#site || this.#positions.has(site)) return
    const position = readPosition(data)
    if (position) this.#keep(site, position)
  }

  /** Lets the next round trip to `site` count whatever the last ones were: another way leads there now. */
  forgetDelays(site: string): void {
    this.#filter.delete(site)
  }

  /** Forgets a site that has left. */
  delete(site: string): void {
    this.#samples.delete(site)
    this.#filter.delete(site)
    this.#positions.delete(site)
  }

  #keep(site: string, position: Position): void {
    this.#positions.delete(site)
    this.#positions.set(site, position)
    if (this.#positions.size <= this.settings.sitesMax) return
    const oldest = this.#positions.keys().next().value
    if (oldest !== undefined) this.#positions.delete(oldest)
  }
}
