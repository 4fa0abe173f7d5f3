/** The rows that one statement changes, until all of them are known to be allowed: a statement writes all or nothing. */

import { UniqueViolation } from '../errors.ts'
import { BEHIND } from '../keyspace/encode-value.ts'
import { rowKey, rowKeyOfEntry, rowWrites, uniquePrefix } from '../keyspace/row-keys.ts'
import type { CatalogueColumn, CatalogueIndex, CatalogueTable } from '../schema/catalogue.ts'
import type { StoredRow } from '../values/value.ts'
import { type Run, rowOf, together } from './run.ts'

interface Edit {
  readonly before: StoredRow | undefined
  readonly after: StoredRow | undefined
}

export interface Conflict {
  readonly columns: readonly CatalogueColumn[]
  /** The key of the row that is there. */
  readonly key: string
}

export class RowEditor {
  readonly #table: CatalogueTable
  readonly #run: Run
  /** By the key of the row. */
  readonly #edits = new Map<string, Edit>()
  /** The keys of edited rows by what must be unique of them. */
  readonly #taken = new Map<CatalogueIndex, Map<string, string>>()
  readonly #unique: readonly CatalogueIndex[]

  constructor(table: CatalogueTable, run: Run) {
    this.#table = table
    this.#run = run
    this.#unique = table.indexes.filter(({ isUnique }) => isUnique).reverse()
  }

  /** The row of that key, edits included. */
  row(key: string): StoredRow | undefined {
    const edit = this.#edits.get(key)
    if (edit) return edit.after
    const [cell] = this.#run.workspace.cells(this.#table.space, [key])
    return cell && rowOf(this.#table, cell)
  }

  /**
   * The first key of `row` that another row has, in SQLite's order (the newest index first, the primary key last), of those that `isRelevant` lets through; undefined when there is none.
   * @param own the key of the row that `row` replaces
   */
  conflict(
    row: StoredRow,
    own: string | undefined,
    isRelevant: (columns: readonly CatalogueColumn[]) => boolean = () => true,
  ): Conflict | undefined {
    const checks: (() => Conflict | undefined)[] = []
    for (const index of this.#unique) {
      const prefix = isRelevant(index.columns) ? uniquePrefix(index, row) : null
      if (prefix !== null) checks.push(() => this.#holder(index, prefix, own))
    }
    const { primaryKey } = this.#table
    if (isRelevant(primaryKey)) {
      const key = rowKey(this.#table, row)
      checks.push(() => (key !== own && this.row(key) ? { columns: primaryKey, key } : undefined))
    }
    return together(checks).find((conflict) => conflict !== undefined)
  }

  /** To be called when there is no conflict. */
  replace(before: StoredRow | undefined, after: StoredRow | undefined): void {
    if (before) this.#set(rowKey(this.#table, before), undefined)
    if (after) this.#set(rowKey(this.#table, after), after)
  }

  write(): void {
    const { workspace } = this.#run
    for (const { before, after } of this.#edits.values())
      for (const write of rowWrites(this.#table, before, after)) workspace.write(write)
  }

  #holder(index: CatalogueIndex, prefix: string, own: string | undefined): Conflict | undefined {
    const edited = this.#taken.get(index)?.get(prefix)
    if (edited !== undefined && edited !== own) return { columns: index.columns, key: edited }
    const { keys } = this.#run.workspace.range({
      space: index.space,
      from: prefix,
      to: prefix + BEHIND,
      limit: 2,
      isReversed: false,
      rowsOf: null,
    })
    const key = keys.map(rowKeyOfEntry).find((found) => found !== own && !this.#edits.has(found))
    return key === undefined ? undefined : { columns: index.columns, key }
  }

  #set(key: string, after: StoredRow | undefined): void {
    const known = this.#edits.get(key)
    const current = known ? known.after : this.row(key)
    this.#edits.set(key, { before: known ? known.before : current, after })
    for (const index of this.#unique) {
      const taken = this.#taken.get(index) ?? new Map<string, string>()
      this.#taken.set(index, taken)
      const freed = current && uniquePrefix(index, current)
      if (freed && taken.get(freed) === key) taken.delete(freed)
      const prefix = after && uniquePrefix(index, after)
      if (prefix) taken.set(prefix, key)
    }
  }
}

export function violation(table: CatalogueTable, { columns }: Conflict): Error {
  return UniqueViolation({ table: table.name, columns: columns.map(({ name }) => name) })
}
