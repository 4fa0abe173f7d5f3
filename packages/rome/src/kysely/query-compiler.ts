/** Keeps the tree of a query as it is: ROME runs it, and nobody needs its SQL. */

import type { CompiledQuery, QueryCompiler, QueryId, RootOperationNode } from 'kysely'

const NO_PARAMETERS: readonly unknown[] = Object.freeze([])

export class RomeQueryCompiler implements QueryCompiler {
  compileQuery(query: RootOperationNode, queryId: QueryId): CompiledQuery {
    return { query, queryId, sql: '', parameters: NO_PARAMETERS }
  }
}
