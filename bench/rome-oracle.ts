/**
 * Runs generated cases (schemas, rows, statements of the whole subset) on SQLite and on ROME and compares their answers. Prints
 * its seed; a failure is shrunk and printed as JSON, to be kept in `packages/rome/src/oracle/regressions.ts`.
 *
 *     ./atoll bench rome-oracle [cases, 20000 by default] [seed] [address of a store, the bare engine by default]
 */

import { silentLogger, systemClock, systemRandom } from '@atoll/kit'
import { openStore } from '@atoll/rome'
import { exploreCases } from '@atoll/rome/oracle'

const [count = '20000', seed = process.env.SEED ?? String(systemClock.nowMs() % 2 ** 31), address] =
  process.argv.slice(2)
const tools = { clock: systemClock, random: systemRandom, log: silentLogger }
const store = address === undefined ? undefined : await openStore(address, tools)
console.log(`${count} cases from seed ${seed}`)
const startedMs = systemClock.monotonicMs()
const report = await exploreCases({
  count: Number(count),
  seed: Math.trunc(Number(seed)),
  ...(store ? { store } : {}),
})
const tookS = Math.round((systemClock.monotonicMs() - startedMs) / 1000)
console.log(`${report.compared} statements had the same outcome, in ${tookS} s`)
for (const [what, times] of Object.entries(report.refused).sort(([, left], [, right]) => right - left))
  console.log(`${String(times).padStart(8)} refused: ${what}`)
await store?.close()
