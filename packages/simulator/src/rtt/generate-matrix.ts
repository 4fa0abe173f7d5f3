/**
 * Round trips made up from coordinates, where no measured ones are at hand. Each of these is seen in measured matrices
 * and makes a different part of the overlay work for its result:
 *
 * - towns lie in a few regions, and several sites in one town, a fraction of a millisecond apart;
 * - light in fibre takes 1 ms of round trip for each 100 km (ITU-T G.652), and cables take detours;
 * - the way into a site costs the same whoever comes, mostly little, for some a lot;
 * - routes are policy: some pairs take a far longer way than one over a third site (triangle inequality violations).
 */

import { fraction, pick, type Random } from '@atoll/kit'
import { DenseMatrix } from './dense-matrix.ts'

export interface GenerateMatrixOptions {
  readonly size: number
  readonly random: Random
  /** Sites of one town, on average. Default: 3. */
  readonly sitesPerTown?: number
  /** The share of pairs of towns with a route far longer than the direct one. Default: 0.08. */
  readonly detours?: number
}

const EARTH_RADIUS_KM = 6371
const KM_PER_MS = 100

/** Where most of the world's machines are: centre and radius in degrees, and how many of twenty towns lie there. */
const REGIONS = [
  { latitude: 40, longitude: -95, spread: 18, lots: 7 },
  { latitude: 49, longitude: 10, spread: 10, lots: 7 },
  { latitude: 30, longitude: 120, spread: 14, lots: 4 },
  { latitude: -20, longitude: -50, spread: 9, lots: 1 },
  { latitude: -34, longitude: 148, spread: 6, lots: 1 },
] as const

const LOTS = REGIONS.flatMap((region) => new Array<(typeof REGIONS)[number]>(region.lots).fill(region))

interface Town {
  readonly latitude: number
  readonly longitude: number
}

export function generateMatrix({
  size,
  random,
  sitesPerTown = 3,
  detours = 0.08,
}: GenerateMatrixOptions): DenseMatrix {
  const towns = Array.from({ length: Math.max(2, Math.round(size / sitesPerTown)) }, () => placeTown(random))
  const between = townRoutes(towns, { random, detours })
  const townOf = Array.from({ length: size }, (_, site) =>
    site < towns.length ? site : random.below(towns.length),
  )
  const accessMs = townOf.map(() =>
    fraction(random) < 0.15 ? exponential(random, 6) : exponential(random, 0.3),
  )
  const valuesMs = new Float64Array(size * size)
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < from; to++) {
      const [here, there] = [townOf[from] ?? 0, townOf[to] ?? 0]
      const wayMs = here === there ? 0.1 : (between[here * towns.length + there] ?? 0)
      const rttMs = wayMs + (accessMs[from] ?? 0) + (accessMs[to] ?? 0)
      valuesMs[from * size + to] = rttMs
      valuesMs[to * size + from] = rttMs
    }
  }
  const sites = Array.from({ length: size }, (_, index) => `site-${index}`)
  return new DenseMatrix({ sites, valuesMs })
}

/** The same sites after a share of the pairs got other routes, from half to twice as long: a WAN that drifts. */
export function driftMatrix(
  matrix: DenseMatrix,
  { random, share }: { readonly random: Random; readonly share: number },
): DenseMatrix {
  const { size, sites } = matrix
  const valuesMs = new Float64Array(size * size)
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < from; to++) {
      const factor = fraction(random) < share ? 2 ** (2 * fraction(random) - 1) : 1
      valuesMs[from * size + to] = matrix.rttMs(from, to) * factor
      valuesMs[to * size + from] = matrix.rttMs(to, from) * factor
    }
  }
  return new DenseMatrix({ sites, valuesMs })
}

function placeTown(random: Random): Town {
  const { latitude, longitude, spread } = pick(random, LOTS)
  return {
    latitude: latitude + (spread * normal(random)) / 2,
    longitude: longitude + (spread * normal(random)) / Math.cos(radians(latitude)) / 2,
  }
}

function townRoutes(
  towns: readonly Town[],
  { random, detours }: { readonly random: Random; readonly detours: number },
): Float64Array {
  const count = towns.length
  const routes = new Float64Array(count * count)
  for (const [from, here] of towns.entries()) {
    for (const [to, there] of towns.slice(0, from).entries()) {
      const stretch = 1.4 * Math.exp(0.12 * normal(random))
      const detour = fraction(random) < detours ? 1.3 + exponential(random, 0.5) : 1
      const wayMs = 0.5 + (distanceKm(here, there) / KM_PER_MS) * stretch * detour
      routes[from * count + to] = wayMs
      routes[to * count + from] = wayMs
    }
  }
  return routes
}

/** Great circle by the haversine formula. */
function distanceKm(here: Town, there: Town): number {
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2
  const across =
    Math.cos(radians(here.latitude)) *
    Math.cos(radians(there.latitude)) *
    half(here.longitude - there.longitude)
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(half(here.latitude - there.latitude) + across))
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - fraction(random))
}

/** Standard normal, by Box and Muller. */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - fraction(random)))
  return radius * Math.cos(2 * Math.PI * fraction(random))
}
