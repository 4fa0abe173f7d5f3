/** Many generated cases, each on SQLite and on ROME; what fails is shrunk. */

import fc from 'fast-check'
import type { Table } from '../schema/define-table.ts'
import { generatedCase } from './generate-case.ts'
import { localSubject } from './local-subject.ts'
import { runCase, type Subject } from './run-case.ts'

export interface Exploration {
  readonly compared: number
  /** How often something was refused, by what. */
  readonly refused: Readonly<Record<string, number>>
}

export interface ExploreOptions {
  readonly count: number
  readonly seed: number
  /** What is compared with SQLite. Default: the engine alone, in half of the cases with everything to be brought first. */
  readonly open?: (tables: readonly Table[]) => Promise<Subject>
}

/** @throws Error with the smallest case that fails, as JSON */
export async function exploreCases({ count, seed, open }: ExploreOptions): Promise<Exploration> {
  let compared = 0
  const refused: Record<string, number> = {}
  const property = fc.asyncProperty(generatedCase, fc.boolean(), async (spec, isForgetful) => {
    const report = await runCase(spec, open ?? ((tables) => localSubject(tables, { isForgetful })))
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
