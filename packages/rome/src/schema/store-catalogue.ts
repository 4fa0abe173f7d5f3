/** The catalogue as a store has it: read with everything else, so that a schema that grows is a conflict like any other. */

import type { Cell, Snapshot } from '../execute/workspace.ts'
import { encodeKey } from '../keyspace/encode-value.ts'
import type { ByteString } from '../stores/key-value/key-value-store.ts'
import { type Catalogue, catalogueOf } from './catalogue.ts'
import type { Table } from './define-table.ts'
import { CATALOGUE_SPACE, decodeLayout, type Layout } from './layout.ts'

/** Written with every change of a layout: one look at it tells whether there was any. No table has this key. */
export const VERSION_KEY = '\x01'

export class StoreCatalogue {
  readonly #tables = new Map<string, Table>()
  #version: Cell | undefined
  #catalogue: Catalogue | undefined

  constructor(tables: readonly Table[]) {
    this.add(tables)
  }

  /** Tables that this program knows. */
  get tables(): readonly Table[] {
    return [...this.#tables.values()]
  }

  add(tables: readonly Table[]): void {
    for (const table of tables) this.#tables.set(table.name, table)
    this.#catalogue = undefined
  }

  /** What the store has, as this program sees it. @throws Missing */
  current(snapshot: Snapshot): Catalogue {
    const version = snapshot.cells(CATALOGUE_SPACE, [VERSION_KEY])[0]
    if (this.#catalogue && version === this.#version) return this.#catalogue
    this.#catalogue = catalogueOf(this.tables, layoutsOf(snapshot, this.tables))
    this.#version = version
    return this.#catalogue
  }

  /** The latest that was seen, for those who only show it. */
  known(): Catalogue {
    return this.#catalogue ?? catalogueOf(this.tables)
  }
}

/** What the store knows of `tables`, by name. @throws Missing */
export function layoutsOf(snapshot: Snapshot, tables: readonly Table[]): ReadonlyMap<string, Layout> {
  const cells = snapshot.cells(
    CATALOGUE_SPACE,
    tables.map(({ name }) => layoutKey(name)),
  )
  return new Map(
    tables.flatMap(({ name }, index) => {
      const cell = cells[index]
      return cell ? [[name, decodeLayout(cell.bytes)] as const] : []
    }),
  )
}

export function layoutKey(table: string): ByteString {
  return encodeKey([table])
}
