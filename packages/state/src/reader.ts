/** Reading records: always with a scope, never a tombstone. */

import type { Queries, Row, Table } from '@atoll/rome'
import type { Expression, SelectQueryBuilder, SqlBool } from 'kysely'
import type { AudienceBuilder, RecordTable } from './define-record.ts'
import type { ProjectScope, Scope } from './scope.ts'

/** A query over one table, typed by the value that defined it. */
export type SelectOf<T extends Table> = SelectQueryBuilder<Record<T['name'], Row<T>>, T['name'], object>

export interface Reader {
  /** The live records that `scope` may see: a query to refine. */
  select<T extends RecordTable>(scope: Scope, table: T): SelectOf<T>
  /** One live record, or undefined when there is none or `scope` may not see it: the two look the same. */
  find<T extends RecordTable>(scope: Scope, table: T, id: string): Promise<Row<T> | undefined>
  /** As `select`, tombstones included: for lists of what changed and for an administrator's look at what is gone. */
  selectWithTombstones<T extends RecordTable>(scope: Scope, table: T): SelectOf<T>
  /** A query over a table that is no record and stays at this site. */
  local<T extends Table>(table: T): SelectOf<T>
}

export function readerOf(queries: Queries): Reader {
  const local = <T extends Table>(table: T) => queries.selectFrom(table.name) as unknown as SelectOf<T>
  const selectWithTombstones = <T extends RecordTable>(scope: Scope, table: T): SelectOf<T> => {
    const all = queries.selectFrom(table.name)
    if (scope.kind === 'cloud' || table.audience === 'everyone') return all as unknown as SelectOf<T>
    return all.where((query) => visible(table, scope, query as AudienceBuilder)) as unknown as SelectOf<T>
  }
  const select = <T extends RecordTable>(scope: Scope, table: T): SelectOf<T> => {
    const all = selectWithTombstones(scope, table) as unknown as SelectOf<RecordTable>
    return all.where('deleted_at', 'is', null) as unknown as SelectOf<T>
  }
  const find = async <T extends RecordTable>(scope: Scope, table: T, id: string) => {
    const byId = select(scope, table) as unknown as SelectOf<RecordTable>
    return (await byId.selectAll().where('id', '=', id).executeTakeFirst()) as Row<T> | undefined
  }
  return { local, select, selectWithTombstones, find }
}

function visible(table: RecordTable, scope: ProjectScope, query: AudienceBuilder): Expression<SqlBool> {
  if (typeof table.audience === 'function') return table.audience(query, scope)
  // `= null` holds for no row: a token without a project sees nothing that belongs to one.
  return query('project_id', '=', scope.projectId)
}
