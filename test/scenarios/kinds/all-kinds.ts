/** The kinds of scenarios by the names that `atoll simulate` takes. */

import { anything } from './anything.ts'
import { islands } from './islands.ts'
import { longCut } from './long-cut.ts'
import { retire } from './retire.ts'
import type { ScenarioKind } from './scenario-kind.ts'
import { sleep } from './sleep.ts'

export const kinds: ReadonlyMap<string, ScenarioKind> = new Map(
  [anything, islands, sleep, longCut, retire].map((kind) => [kind.name, kind]),
)
