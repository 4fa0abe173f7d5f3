/**
 * A state over a throw-away SQLite file on the memory disk, for the tests of services. With `TEST_STORE=memory` in the
 * environment it is over ROME in memory: the same tests, another store.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, seededRandom, systemClock } from '@atoll/kit'
import { memoryStore, openRome, openSqlite, type Store, type Table } from '@atoll/rome'
import type { RecordTable } from './define-record.ts'
import type { Move, Trust } from './ownership.ts'
import { State } from './state.ts'
import type { SitesOfProject } from './transaction.ts'

export interface TestStateOptions {
  readonly records?: readonly RecordTable[]
  readonly locals?: readonly Table[]
  /** Default: site `here` with code 1. */
  readonly site?: { readonly name: string; readonly code: number }
  readonly clock?: Clock
  /** Default: everywhere. */
  readonly sitesOfProject?: SitesOfProject
  /** Registers what must happen when the test ends: `t.after`. */
  readonly after: (cleanUp: () => Promise<void>) => void
}

/** Believes every site, and takes a move that is written as JSON for a signed one: for tests of something else. */
export const trustEverybody: Trust = Object.freeze({
  hasAuthority: () => Promise.resolve(true),
  mayName: () => Promise.resolve(true),
  readMove: (text: string) => Promise.resolve(JSON.parse(text) as Move),
  heirsOf: () => Promise.resolve([]),
})

export async function openTestState(options: TestStateOptions): Promise<State> {
  const { records = [], locals = [], site = { name: 'here', code: 1 }, clock = systemClock } = options
  const store = process.env.TEST_STORE === 'memory' ? openInMemory(options) : openOnDisk(options)
  return State.open({
    store,
    site,
    clock,
    random: seededRandom(site.name),
    records,
    locals,
    ...(options.sitesOfProject && { sitesOfProject: options.sitesOfProject }),
  })
}

function openOnDisk({ after }: TestStateOptions): Store {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-state-'))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  after(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })
  return store
}

function openInMemory({ after }: TestStateOptions): Store {
  const store = openRome({
    store: memoryStore(),
    clock: systemClock,
    random: seededRandom('store'),
  })
  after(() => store.close())
  return store
}
