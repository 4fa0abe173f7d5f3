/** All scenarios of the overlay, by name. */

import { churn } from './churn.ts'
import { drift } from './drift.ts'
import { hostile } from './hostile.ts'
import { islands } from './islands.ts'
import { joinStorm } from './join-storm.ts'
import { massFailure } from './mass-failure.ts'
import type { Scenario } from './scenario.ts'
import { steady } from './steady.ts'
import { wakeUp } from './wake-up.ts'

export const scenarios: readonly Scenario[] = [
  joinStorm,
  steady,
  churn,
  massFailure,
  islands,
  drift,
  hostile,
  wakeUp,
]
