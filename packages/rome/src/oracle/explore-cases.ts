/** Many generated cases, each on SQLite and on ROME; what fails is shrunk. */

import fc from 'fast-check'
import { generatedCase } from './generate-case.ts'
import { localSubject } from './local-subject.ts'
import { runCase } from './run-case.ts'

export interface Exploration {
  readonly compared: number
  /** How often something was refused, by what. */
  readonly refused: Readonly<Record<string, number>>
}

/** Half of the cases run with everything to be brought first. @throws Error with the smallest case that fails, as JSON */
export async function exploreCases({ count, seed }: { count: number; seed: number }): Promise<Exploration> {
  let compared = 0
  const refused: Record<string, number> = {}
  const property = fc.asyncProperty(generatedCase, fc.boolean(), async (spec, isForgetful) => {
    const report = await runCase(spec, (tables) => localSubject(tables, { isForgetful }))
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
