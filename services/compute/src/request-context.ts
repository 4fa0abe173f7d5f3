/** A request of any endpoint, as helpers that do not care for its query and body take it. */

import type { Context } from '@atoll/http'

export type RequestContext = Context<unknown>
