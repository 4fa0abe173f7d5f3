/**
 * A session for transactions of PostgreSQL. They are serializable by its snapshots (SSI; Ports and Grittner, VLDB 2012), which a
 * row that everybody writes would make fail each other: so numbers come from a sequence, under an advisory lock that the
 * server releases only after the commit is visible. Whoever has the lock sees all lower numbers, and whoever sees the note
 * of a commit sees all commits numbered below it.
 */

import { PROVISIONAL_FROM } from '../../keyspace/provisional.ts'
import type { Catalogue } from '../sql/catalogue.ts'
import type { Ending, SqlQuery, SqlResult, SqlWriter } from '../sql/sql-connection.ts'
import type { PostgresqlConnection } from './postgresql-connection.ts'
import { COMMIT_LOCK, quote } from './postgresql-schema.ts'

const BEGIN = plain('begin isolation level serializable')
/** Taken by one transaction at a time, and before its snapshot is (the manual's section on LOCK). Nothing else takes it. */
const TURN = plain('lock table rome_head in share update exclusive mode')
const SAVE = plain('savepoint one')
const RELEASE = plain('release savepoint one')
const UNDO = plain('rollback to savepoint one')

export class PostgresqlWriter implements SqlWriter {
  readonly #connection: PostgresqlConnection
  readonly #catalogue: Catalogue
  /**
   * Of a transaction that failed before: all such come one after the other. Snapshots that are taken side by side of rows that all
   * of them write can only fail each other again.
   */
  #turn: Promise<unknown> | undefined

  constructor(connection: PostgresqlConnection, catalogue: Catalogue) {
    this.#connection = connection
    this.#catalogue = catalogue
  }

  get isUsable(): boolean {
    return this.#connection.isUsable
  }

  // It travels with the first statement, and fails only when the session is lost, which that one hears as well.
  begin({ isRepeated }: { readonly isRepeated: boolean }): void {
    this.#connection.execute(BEGIN).catch(() => {})
    this.#turn = isRepeated ? this.#connection.execute(TURN) : undefined
    this.#turn?.catch(() => {})
  }

  async execute(query: SqlQuery): Promise<SqlResult> {
    await this.#turn
    if (/^\s*select\b/i.test(query.sql)) return this.#connection.execute(query)
    // Elsewhere a statement that fails leaves its transaction alone; here it would end it.
    const [saved, result, released] = await Promise.allSettled(
      [SAVE, query, RELEASE].map((each) => this.#connection.execute(each)),
    )
    if (saved?.status === 'rejected') throw saved.reason
    if (result?.status === 'rejected') {
      if (this.isUsable) await Promise.all([UNDO, RELEASE].map((each) => this.#connection.execute(each)))
      throw result.reason
    }
    if (released?.status === 'rejected') throw released.reason
    return result?.value ?? { rows: [], changes: 0 }
  }

  async commit(ending: Ending): Promise<void> {
    const { id, peer, numbers, changes } = ending
    const last =
      numbers === 0
        ? '(select case when is_called then last_value else 0 end from rome_numbers)'
        : "(select last_value from rome_numbers where current_setting('rome.first') <> '')"
    await this.#sendAll([
      plain(`select pg_advisory_xact_lock(${COMMIT_LOCK})`),
      ...this.#numbering(ending),
      {
        sql: `insert into rome_commits (position, number, id, peer, changes) values (nextval('rome_positions'), ${last}, $1, $2, $3)`,
        parameters: [id, peer, JSON.stringify(changes)],
      },
      plain('commit'),
    ])
  }

  async commitRead(): Promise<void> {
    await this.#sendAll([plain('commit')])
  }

  async rollback(): Promise<void> {
    await this.#connection.execute(plain('rollback'))
  }

  destroy(): void {
    this.#connection.destroy()
  }

  /** In one round trip: after the first that fails the others fail too, and the commit rolls back. */
  async #sendAll(queries: readonly SqlQuery[]): Promise<void> {
    const isCommit = (index: number) => index === queries.length - 1
    const answers = await Promise.allSettled(
      queries.map((query, index) => this.#connection.execute(query, { isCommit: isCommit(index) })),
    )
    const refused = answers.find((answer) => answer.status === 'rejected')
    const last = answers.at(-1)
    // All were sent before the session was lost: they may have been carried out.
    if (last?.status === 'rejected' && !this.isUsable) throw last.reason
    if (refused) throw refused.reason
  }

  #numbering({ numbers, changes }: Ending): SqlQuery[] {
    if (numbers === 0) return []
    const take = {
      sql: "select set_config('rome.first', nextval('rome_numbers')::text, true), setval('rome_numbers', currval('rome_numbers') + $1 - 1)",
      parameters: [numbers],
    }
    const byTable = Map.groupBy(changes, ({ table }) => table)
    const updates = [...byTable].flatMap(([table, members]) =>
      this.#catalogue.numberedColumns(table).map((column) => ({
        sql: `update ${quote(table)} set ${quote(column)} = ${quote(column)} - ${PROVISIONAL_FROM} + current_setting('rome.first')::bigint where id = any($1::text[]) and ${quote(column)} >= ${PROVISIONAL_FROM}`,
        parameters: [arrayOf(members.map(({ id }) => id))],
      })),
    )
    return [take, ...updates]
  }
}

function plain(sql: string): SqlQuery {
  return { sql, parameters: [] }
}

/** https://www.postgresql.org/docs/15/arrays.html, section 8.15.2. */
function arrayOf(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`
}
