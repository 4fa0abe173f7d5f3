/** The notes of commits that each SQL store keeps for other peers: the same table and the same questions on every server. */

import type { Change } from '../key-value/key-value-store.ts'
import type { CommitNote, SqlConnection } from './sql-connection.ts'

/** How a server writes the parameter of that number, counted from 1. */
export type Placeholder = (number: number) => string

export class CommitNotes {
  readonly #after: string
  readonly #upTo: string
  readonly #withId: string

  constructor(parameter: Placeholder) {
    const oldest = 'select min(position) from rome_commits'
    this.#after = `select position, peer, changes, (${oldest}) as oldest from rome_commits where position > ${parameter(1)} order by position limit ${parameter(2)}`
    this.#upTo = `delete from rome_commits where position <= ${parameter(1)}`
    this.#withId = `select 1 from rome_commits where id = ${parameter(1)}`
  }

  /** In order. */
  async after(connection: SqlConnection, position: number, limit: number): Promise<CommitNote[]> {
    const { rows } = await connection.execute({ sql: this.#after, parameters: [position, limit] })
    return rows.map((row) => ({
      position: Number(row.position),
      oldest: Number(row.oldest),
      peer: String(row.peer),
      changes: JSON.parse(String(row.changes)) as Change[],
    }))
  }

  async forget(connection: SqlConnection, position: number): Promise<void> {
    await connection.execute({ sql: this.#upTo, parameters: [position] })
  }

  async has(connection: SqlConnection, id: string): Promise<boolean> {
    const { rows } = await connection.execute({ sql: this.#withId, parameters: [id] })
    return rows.length > 0
  }
}
