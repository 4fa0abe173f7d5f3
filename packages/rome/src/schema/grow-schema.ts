/**
 * Schemas that only grow, on a store that others use at the same time. A new index is noted first, so that everybody
 * maintains it; then the entries of the rows before it are made, some at a time; then it is looked into. Whoever finds an
 * index that a crash left in between makes the rest.
 */

import { UniqueViolation } from '../errors.ts'
import type { Workspace } from '../execute/workspace.ts'
import { BEHIND } from '../keyspace/encode-value.ts'
import { decodeRow } from '../keyspace/row-codec.ts'
import { indexWrite, rowKeyOfEntry, uniquePrefix } from '../keyspace/row-keys.ts'
import type { ByteString } from '../stores/key-value/key-value-store.ts'
import type { CatalogueIndex, CatalogueTable } from './catalogue.ts'
import type { Table } from './define-table.ts'
import { CATALOGUE_SPACE, encodeLayout, type Layout, mergeLayout } from './layout.ts'
import { layoutKey, layoutsOf, type StoreCatalogue, VERSION_KEY } from './store-catalogue.ts'

/** Runs a statement as one transaction, and again when somebody was in its way. */
export type RunStatement = <Result>(statement: (workspace: Workspace) => Result) => Promise<Result>

/** How many rows get their entries in one transaction: few, since it is in the way of those who write them. */
const ROWS_AT_A_TIME = 200

/** @throws UniqueViolation when a new unique index cannot hold the rows that are there */
export async function growSchema(
  tables: readonly Table[],
  { catalogue, run }: { readonly catalogue: StoreCatalogue; readonly run: RunStatement },
): Promise<void> {
  catalogue.add(tables)
  await run((workspace) => noteLayouts(tables, workspace))
  for (const { name } of tables) {
    const isPending = await run((workspace) => pendingOf(catalogue, name, workspace).length > 0)
    if (!isPending) continue
    for (let from: ByteString | null = ''; from !== null; ) {
      const begin: ByteString = from
      from = await run((workspace) => makeEntries({ catalogue, name, from: begin, workspace }))
    }
    await run((workspace) => notePresent(name, tables, workspace))
  }
}

function noteLayouts(tables: readonly Table[], workspace: Workspace): void {
  const layouts = layoutsOf(workspace, tables)
  const changed = tables.flatMap((table) => {
    const { layout, isChanged } = mergeLayout(table, layouts.get(table.name))
    return isChanged ? [[table.name, layout] as const] : []
  })
  writeLayouts(changed, workspace)
}

function notePresent(name: string, tables: readonly Table[], workspace: Workspace): void {
  const layout = layoutsOf(workspace, tables).get(name)
  if (!layout) return
  const indexes = layout.indexes.map(({ columns, isUnique }) => ({ columns, isUnique }))
  writeLayouts([[name, { ...layout, indexes }]], workspace)
}

function writeLayouts(layouts: readonly (readonly [string, Layout])[], workspace: Workspace): void {
  if (layouts.length === 0) return
  for (const [name, layout] of layouts)
    workspace.write({ space: CATALOGUE_SPACE, key: layoutKey(name), value: encodeLayout(layout), holes: [] })
  const version = Number(workspace.cells(CATALOGUE_SPACE, [VERSION_KEY])[0]?.bytes ?? 0) + 1
  workspace.write({ space: CATALOGUE_SPACE, key: VERSION_KEY, value: String(version), holes: [] })
}

function tableOf(catalogue: StoreCatalogue, name: string, workspace: Workspace): CatalogueTable | undefined {
  return catalogue.current(workspace).tables.get(name)
}

function pendingOf(catalogue: StoreCatalogue, name: string, workspace: Workspace): readonly CatalogueIndex[] {
  return tableOf(catalogue, name, workspace)?.indexes.filter(({ isPending }) => isPending) ?? []
}

interface Portion {
  readonly catalogue: StoreCatalogue
  readonly name: string
  readonly from: ByteString
  readonly workspace: Workspace
}

// Where to go on; null at the end.
function makeEntries({ catalogue, name, from, workspace }: Portion): ByteString | null {
  const table = tableOf(catalogue, name, workspace)
  if (!table) return null
  const pending = pendingOf(catalogue, name, workspace)
  const rows = workspace.range({
    ...{ space: table.space, from, to: BEHIND, limit: ROWS_AT_A_TIME, isReversed: false, rowsOf: null },
  })
  for (const { bytes } of rows.cells) {
    const row = decodeRow(table, bytes)
    for (const index of pending) {
      const write = indexWrite(table, index, row)
      if (index.isUnique)
        refuseTwin(table, { index, prefix: uniquePrefix(index, row), entry: write.key }, workspace)
      workspace.write(write)
    }
  }
  const last = rows.keys.at(-1)
  return rows.isComplete || last === undefined ? null : `${last}\x00`
}

function refuseTwin(
  table: CatalogueTable,
  { index, prefix, entry }: { index: CatalogueIndex; prefix: ByteString | null; entry: ByteString },
  workspace: Workspace,
): void {
  if (prefix === null) return
  const { keys } = workspace.range({
    ...{ space: index.space, from: prefix, to: prefix + BEHIND, limit: 2, isReversed: false, rowsOf: null },
  })
  if (keys.every((key) => rowKeyOfEntry(key) === rowKeyOfEntry(entry))) return
  throw UniqueViolation({ table: table.name, columns: index.columns.map((column) => column.name) })
}
