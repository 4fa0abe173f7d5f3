/**
 * Where a site is in the space of round trips: a point of eight dimensions and a height over it (Dabek, Cox, Kaashoek,
 * Morris: "Vivaldi: a decentralized network coordinate system", SIGCOMM 2004, §5.4). The distance of two points is the way
 * through the core of the Internet; a height is the way into it, which everybody pays who visits the site.
 *
 *       o height of a            o height of b
 *       │                        │
 *       ●────────────────────────●
 *
 *     round trip of a and b  =  |a - b|  +  height of a  +  height of b
 */

/** Further ones add nothing: of matrices of round trips, the first eight singular values tell nearly all. */
export const DIMENSIONS = 8

/**
 * All in milliseconds but `error`. Never changed: its vector is not frozen, as engines box the numbers of frozen arrays,
 * which makes arithmetic on them ten times slower.
 */
export interface Position {
  /** `DIMENSIONS` coordinates. */
  readonly vector: readonly number[]
  readonly heightMs: number
  /** By what share the site's predictions of round trips were wrong of late; 1.5 when it knows nothing yet. */
  readonly error: number
}

/** A site that knows nothing: at the middle. */
export const ERROR_MAX = 1.5

/** Nothing on Earth is further: a satellite's round trip takes 600 ms, a bad mobile network's some seconds. */
export const COORDINATE_MS_MAX = 10_000

/** A clock's resolution and the jitter of a quiet host; heights do not go below. */
export const HEIGHT_MS_MIN = 0.01

export const origin: Position = Object.freeze({
  vector: new Array<number>(DIMENSIONS).fill(0),
  heightMs: HEIGHT_MS_MIN,
  error: ERROR_MAX,
})

/** The predicted round trip in milliseconds. */
export function distanceMs(left: Position, right: Position): number {
  return distanceInCoreMs(left.vector, right.vector) + left.heightMs + right.heightMs
}

/** Without the heights. */
export function distanceInCoreMs(left: readonly number[], right: readonly number[]): number {
  let sum = 0
  for (let index = 0; index < DIMENSIONS; index++) {
    const gap = (left[index] ?? 0) - (right[index] ?? 0)
    sum += gap * gap
  }
  return Math.sqrt(sum)
}

/** A position of another site as it came; undefined when it makes no sense. Fields that are not known are left out. */
export function readPosition(value: unknown): Position | undefined {
  const { vector, heightMs, error } = Object(value) as Partial<Record<keyof Position, unknown>>
  if (!Array.isArray(vector) || vector.length !== DIMENSIONS) return undefined
  for (const coordinate of vector)
    if (!isWithin(coordinate, -COORDINATE_MS_MAX, COORDINATE_MS_MAX)) return undefined
  if (!isWithin(heightMs, 0, COORDINATE_MS_MAX) || !isWithin(error, 0, ERROR_MAX)) return undefined
  return Object.freeze({ vector: [...(vector as number[])], heightMs, error })
}

/** As it goes to others, in hundredths of a millisecond: some 100 bytes. */
export function writePosition({ vector, heightMs, error }: Position): Position {
  return Object.freeze({
    vector: vector.map(round),
    heightMs: round(heightMs),
    error: round(error),
  })
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
