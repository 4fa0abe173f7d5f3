/** The kinds of scenarios by the names that `atoll simulate` takes. */

import { anything } from './anything.ts'
import { islands } from './islands.ts'
import type { ScenarioKind } from './scenario-kind.ts'

export const kinds: ReadonlyMap<string, ScenarioKind> = new Map(
  [anything, islands].map((kind) => [kind.name, kind]),
)
