/** How a query says that it means to look at a whole table. */

import { type RawBuilder, sql } from 'kysely'

/** A comment, so that every SQL store reads over it. */
export const SCAN_COMMENT = '/* allow scan */'

interface Modifiable<Query> {
  modifyEnd(modifier: RawBuilder<unknown>): Query
}

/** `query.$call(allowScan)`: no limit on the rows that are looked at, although no index serves the query. */
export function allowScan<Query extends Modifiable<Query>>(query: Query): Query {
  return query.modifyEnd(sql.raw(SCAN_COMMENT))
}
