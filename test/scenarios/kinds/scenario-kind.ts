/** What may happen to a cloud from its start until all is well again. */

import type { Stage } from '../stage.ts'
import type { Workload } from '../workload/operations.ts'

/** What a caller may want other than a kind has it. */
export interface Variations {
  readonly operations?: number
  readonly workload?: Workload
  /** False: nothing goes wrong but what the distances do. */
  readonly hasFaults?: boolean
  /** How long the main part takes, of kinds for which that is known. */
  readonly minutes?: number
}

export interface ScenarioKind {
  /** For `atoll simulate`. */
  readonly name: string
  /** Must leave every link healed and every peer up; then all must come to agree. @throws when something does not hold */
  play(stage: Stage, variations: Variations): Promise<void>
}
