/** Names in a query: its sources, what columns they have, and the query around it. */

import type { OperationNode } from 'kysely'
import type { CatalogueTable } from '../schema/catalogue.ts'
import type { ColumnKind } from '../schema/column.ts'
import { type Affinity, affinityOf, type NumberForm } from '../values/affinity.ts'
import { refuse } from './not-supported.ts'

/** How a value is handed out: as SQLite's driver does for a column declared JSON or BOOLEAN, or as it is. */
export type Decoder = 'json' | 'boolean' | null

export interface SourceColumn {
  readonly name: string
  /** Where its value lies in a row of the source. */
  readonly position: number
  readonly affinity: Affinity
  readonly form: NumberForm
  readonly decoder: Decoder
}

export interface Source {
  readonly alias: string
  /** Which slot of a tuple holds its row. */
  readonly slot: number
  readonly columns: readonly SourceColumn[]
  /** Undefined for a sub-select in `from`. */
  readonly table: CatalogueTable | undefined
}

export interface Resolved {
  readonly source: Source
  readonly column: SourceColumn
  /** 0 for the query itself, 1 for the one around it, and so on. */
  readonly depth: number
}

/** Sets of slots are bits of a number. */
const SLOTS_MAX = 30

export class Scope {
  readonly parent: Scope | undefined
  readonly sources: Source[] = []
  /** The first slot of this query; those before it belong to the queries around it. */
  readonly firstSlot: number
  /** The slots of queries around this one that it reads. */
  outerSlots = 0
  #nextSlot: number

  constructor(parent?: Scope) {
    this.parent = parent
    this.firstSlot = parent?.width ?? 0
    this.#nextSlot = this.firstSlot
  }

  /** How many slots tuples of this query have. The last one holds the aggregates of a group. */
  get width(): number {
    return this.#nextSlot + 1
  }

  get aggregateSlot(): number {
    return this.#nextSlot
  }

  addTable(alias: string, table: CatalogueTable): Source {
    return this.add(alias, columnsOf(table), table)
  }

  add(alias: string, columns: readonly SourceColumn[], table: CatalogueTable | undefined): Source {
    const source = { alias, slot: this.#nextSlot++, columns, table }
    this.sources.push(source)
    return source
  }

  /** The column of that name; undefined when there is none here nor around. @throws QueryNotSupported for an ambiguous name */
  find(name: string, alias: string | undefined, node: OperationNode): Resolved | undefined {
    let found: Resolved | undefined
    for (const source of this.sources) {
      if (alias !== undefined && source.alias !== alias) continue
      const column = columnNamed(source, name)
      if (!column) continue
      if (found) refuse(`the ambiguous column ${name}`, node)
      found = { source, column, depth: 0 }
    }
    if (found) return found
    const outer = this.parent?.find(name, alias, node)
    if (!outer) return undefined
    this.outerSlots |= 1 << outer.source.slot
    return { ...outer, depth: outer.depth + 1 }
  }

  /** To be called when all sources are known. */
  check(node: OperationNode): void {
    if (this.width > SLOTS_MAX) refuse(`more than ${SLOTS_MAX} tables`, node)
  }
}

const columnsOfTables = new WeakMap<CatalogueTable, SourceColumns>()

interface SourceColumns {
  readonly list: readonly SourceColumn[]
  readonly byName: ReadonlyMap<string, SourceColumn>
}

function columnsOf(table: CatalogueTable): readonly SourceColumn[] {
  return sourceColumns(table).list
}

function sourceColumns(table: CatalogueTable): SourceColumns {
  let columns = columnsOfTables.get(table)
  if (!columns) {
    const list = table.columns.map(({ name, position, kind }) => ({
      name,
      position,
      affinity: affinityOf(kind),
      form: formOf(kind),
      decoder: decoderOf(kind),
    }))
    columns = { list, byName: new Map(list.map((column) => [column.name, column])) }
    columnsOfTables.set(table, columns)
  }
  return columns
}

function columnNamed(source: Source, name: string): SourceColumn | undefined {
  if (source.table && source.columns === sourceColumns(source.table).list)
    return sourceColumns(source.table).byName.get(name)
  return source.columns.find((column) => column.name === name)
}

function decoderOf(kind: ColumnKind): Decoder {
  return kind === 'json' || kind === 'boolean' ? kind : null
}

function formOf(kind: ColumnKind): NumberForm {
  if (kind === 'real') return 'real'
  return kind === 'blob' || kind === 'text' ? 'mixed' : 'integer'
}
