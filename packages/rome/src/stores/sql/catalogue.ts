/** The tables that a SQL store knows: how to name their indexes, and how to read what comes back. */

import { createHash } from 'node:crypto'
import type { ColumnKind } from '../../schema/column.ts'
import type { Index, Table } from '../../schema/define-table.ts'

/** PostgreSQL cuts names off after 63 bytes, MariaDB refuses them after 64 characters. */
const NAME_LENGTH_MAX = 60

export interface UniqueKey {
  readonly table: string
  readonly columns: readonly string[]
}

export class Catalogue {
  readonly #tables = new Map<string, Table>()
  readonly #uniqueKeys = new Map<string, UniqueKey>()
  readonly #nullable = new Set<string>()
  readonly #required = new Set<string>()

  add(tables: readonly Table[]): void {
    for (const table of tables) {
      this.#tables.set(table.name, table)
      for (const [name, { isNullable }] of Object.entries(table.columns))
        (isNullable ? this.#nullable : this.#required).add(name)
      for (const index of table.indexes)
        if (index.isUnique)
          this.#uniqueKeys.set(indexName(table, index), { table: table.name, columns: index.columns })
    }
  }

  table(name: string): Table | undefined {
    return this.#tables.get(name)
  }

  kindOf(table: string, column: string): ColumnKind | undefined {
    return this.#tables.get(table)?.columns[column]?.kind
  }

  /** The unique index of that name. */
  uniqueKey(name: string): UniqueKey | undefined {
    return this.#uniqueKeys.get(name)
  }

  primaryKey(table: string): UniqueKey {
    return { table, columns: this.#tables.get(table)?.primaryKey ?? [] }
  }

  /** True unless every known table that has a column of this name fills it always. */
  mayBeNull(column: string): boolean {
    return this.#nullable.has(column) || !this.#required.has(column)
  }

  /** Columns that hold numbers of commits. */
  numberedColumns(table: string): readonly string[] {
    return Object.entries(this.#tables.get(table)?.columns ?? {}).flatMap(([name, column]) =>
      column.isNumbered ? [name] : [],
    )
  }
}

export function indexName(table: Table, index: Index): string {
  const name = `${table.name}_${index.columns.join('_')}${index.isUnique ? '_unique' : ''}`
  if (name.length <= NAME_LENGTH_MAX) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12)
  return `${name.slice(0, NAME_LENGTH_MAX - 13)}_${digest}`
}
