/** What one transaction sees and writes of the records that were withdrawn from this site. */

import type { Queries, Row } from '@atoll/rome'
import { withdrawnRecords } from './tables.ts'

export type WithdrawnRecord = Row<typeof withdrawnRecords>

export class WithdrawnRecords {
  readonly #queries: Queries
  /** Most sites have none, and then a page of new records asks once. */
  #areThereAny: Promise<boolean> | undefined

  constructor(queries: Queries) {
    this.#queries = queries
  }

  async find(table: string, id: string): Promise<WithdrawnRecord | undefined> {
    this.#areThereAny ??= this.#lookForAny()
    if (!(await this.#areThereAny)) return undefined
    const row = await this.#queries
      .selectFrom(withdrawnRecords.name)
      .selectAll()
      .where('id', '=', id)
      .where('table_name', '=', table)
      .executeTakeFirst()
    return row as WithdrawnRecord | undefined
  }

  async note(record: WithdrawnRecord): Promise<void> {
    this.#areThereAny = Promise.resolve(true)
    const { home, generation, seq } = record
    await this.#queries
      .insertInto(withdrawnRecords.name)
      .values(record)
      .onConflict((conflict) => conflict.columns(['id', 'table_name']).doUpdateSet({ home, generation, seq }))
      .execute()
  }

  async forget(table: string, id: string): Promise<void> {
    await this.#queries
      .deleteFrom(withdrawnRecords.name)
      .where('id', '=', id)
      .where('table_name', '=', table)
      .execute()
  }

  async #lookForAny(): Promise<boolean> {
    const row = await this.#queries.selectFrom(withdrawnRecords.name).select('id').limit(1).executeTakeFirst()
    return row !== undefined
  }
}
