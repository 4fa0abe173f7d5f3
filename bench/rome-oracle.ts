/**
 * Runs generated cases (schemas, rows, statements of the whole subset) on SQLite and on ROME and compares their answers. Prints
 * its seed; a failure is shrunk and printed as JSON, to be kept in `packages/rome/src/oracle/regressions.ts`.
 *
 *     ./atoll bench rome-oracle [cases, 20000 by default] [seed]
 */

import { systemClock } from '@atoll/kit'
import { exploreCases } from '@atoll/rome/oracle'

const [count = '20000', seed = process.env.SEED ?? String(systemClock.nowMs() % 2 ** 31)] =
  process.argv.slice(2)
console.log(`${count} cases from seed ${seed}`)
const startedMs = systemClock.monotonicMs()
const report = await exploreCases({ count: Number(count), seed: Math.trunc(Number(seed)) })
const tookS = Math.round((systemClock.monotonicMs() - startedMs) / 1000)
console.log(`${report.compared} statements had the same outcome, in ${tookS} s`)
for (const [what, times] of Object.entries(report.refused).sort(([, left], [, right]) => right - left))
  console.log(`${String(times).padStart(8)} refused: ${what}`)
