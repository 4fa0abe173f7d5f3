/** ROME's engine alone, in memory, for the oracle: with everything at hand, or with everything to be brought first. */

import assert from 'node:assert/strict'
import { decodeRow } from '../keyspace/row-codec.ts'
import { indexKey, rowKey } from '../keyspace/row-keys.ts'
import { catalogueOf } from '../schema/catalogue.ts'
import type { Table } from '../schema/define-table.ts'
import { localQueries } from '../testing/local-queries.ts'
import { ForgetfulWorkspace, WholeWorkspace } from '../testing/whole-workspace.ts'
import type { Subject } from './run-case.ts'

export async function localSubject(
  tables: readonly Table[],
  { isForgetful }: { readonly isForgetful: boolean },
): Promise<Subject> {
  const whole = new WholeWorkspace()
  const catalogue = catalogueOf(tables)
  const queries = localQueries({
    catalogue,
    workspace: whole,
    attempt: isForgetful ? (work) => new ForgetfulWorkspace(whole).run(work).result : undefined,
  })
  const check = () => {
    for (const table of catalogue.tables.values()) {
      const keys = whole.keysOf(table.space)
      const rows = whole.cells(table.space, keys).map((cell) => decodeRow(table, cell?.bytes ?? ''))
      assert.deepEqual(
        rows.map((row) => rowKey(table, row)),
        keys,
      )
      for (const index of table.indexes) {
        const entries = rows.map((row) => indexKey(index, row, rowKey(table, row)))
        assert.deepEqual(whole.keysOf(index.space), entries.sort(), `entries of ${index.space}`)
      }
    }
  }
  return { queries, check }
}
