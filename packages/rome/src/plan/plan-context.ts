/** What every part of a plan is made with. */

import type { Catalogue } from '../schema/catalogue.ts'
import type { ParameterPlaces } from './shape.ts'

export interface PlanContext {
  readonly catalogue: Catalogue
  /** Undefined for a plan of one query only, into which its values are written. */
  readonly places: ParameterPlaces | undefined
}
