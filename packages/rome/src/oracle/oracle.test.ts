import { test } from 'node:test'
import { seededRandom, systemClock } from '@atoll/kit'
import { seedsToRun } from '../conformance/seeds.ts'
import { openRome } from '../open-rome.ts'
import { memoryStore } from '../stores/memory/memory-store.ts'
import { exploreCases } from './explore-cases.ts'
import { localSubject } from './local-subject.ts'
import { regressions } from './regressions.ts'
import { runCase } from './run-case.ts'

for (const { fact, spec } of regressions) {
  test(`as on SQLite: ${fact}`, async () => {
    for (const isForgetful of [false, true])
      await runCase(spec, (tables) => localSubject(tables, { isForgetful }))
  })
}

for (const seed of seedsToRun(3)) {
  test(`generated statements have the same outcome on ROME and on SQLite (SEED=${seed})`, async (t) => {
    const { compared } = await exploreCases({ count: 150, seed: Number(seed) })
    t.diagnostic(`${compared} statements compared`)
  })
}

test('generated statements have the same outcome through transactions and the cache of a peer', async (t) => {
  const store = openRome({ store: memoryStore(), clock: systemClock, random: seededRandom('oracle') })
  t.after(() => store.close())
  const { compared } = await exploreCases({ count: 100, seed: 1, store })
  t.diagnostic(`${compared} statements compared`)
})
