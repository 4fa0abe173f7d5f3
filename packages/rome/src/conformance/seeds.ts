/** Which seeds a randomized test runs: `SEED=` in the environment replays one. */

/** The seed of `SEED=`, or `count` of them from 1 on. */
export function seedsToRun(count: number): readonly string[] {
  const { SEED } = process.env
  return SEED === undefined ? Array.from({ length: count }, (_, index) => `${index + 1}`) : [SEED]
}
