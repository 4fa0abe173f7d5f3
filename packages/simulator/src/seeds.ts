/** Which seeds a randomized test runs: `SEED=` in the environment replays one. */

import { assert } from '@atoll/kit'
import type { Seed } from './simulation.ts'

/** The seed of `SEED=`, or `count` of them from `from` on. */
export function seedsToRun({
  from,
  count,
}: {
  readonly from: Seed
  readonly count: number
}): readonly Seed[] {
  const { SEED } = process.env
  if (SEED === undefined) return Array.from({ length: count }, (_, index) => from + index)
  const seed = Number(SEED)
  assert(Number.isSafeInteger(seed) && seed >= 0, `SEED=${SEED} is no whole number`)
  return [seed]
}
