/** Many generated cases, each on SQLite and on ROME; what fails is shrunk. */

import fc from 'fast-check'
import type { Table } from '../schema/define-table.ts'
import type { Store } from '../store.ts'
import { generatedCase } from './generate-case.ts'
import { localSubject } from './local-subject.ts'
import { type OpenSubject, runCase } from './run-case.ts'
import { storeSubject } from './store-subject.ts'

export interface Exploration {
  readonly compared: number
  /** How often something was refused, by what. */
  readonly refused: Readonly<Record<string, number>>
}

export interface ExploreOptions {
  readonly count: number
  readonly seed: number
  /** A store that is asked instead of the bare engine; all cases share it, with tables of their own. */
  readonly store?: Store
  /** What else is compared with SQLite: it gets the tables of each case. */
  readonly open?: OpenSubject
}

/**
 * Of the bare engine, half of the cases run with everything to be brought first.
 * @throws Error with the smallest case that fails, as JSON
 */
export async function exploreCases({ count, seed, store, open }: ExploreOptions): Promise<Exploration> {
  let compared = 0
  let cases = 0
  const refused: Record<string, number> = {}
  const property = fc.asyncProperty(generatedCase, fc.boolean(), async (spec, isForgetful) => {
    const openOne = (tables: readonly Table[]) =>
      store ? storeSubject(store, tables) : localSubject(tables, { isForgetful })
    const report = await runCase(spec, open ?? openOne, store ? `case${seed}_${cases++}_` : '')
    compared += report.compared
    for (const what of report.refused) refused[what] = (refused[what] ?? 0) + 1
  })
  const details = await fc.check(property, { numRuns: count, seed })
  if (!details.failed) return { compared, refused }
  const cause = details.errorInstance instanceof Error ? details.errorInstance : undefined
  throw new Error(
    `seed ${seed}, case ${details.numRuns}, shrunk ${details.numShrinks} times: ${JSON.stringify(details.counterexample?.[0])}\n${cause?.stack}`,
  )
}
