/**
 * A session for transactions of MariaDB. They are serializable by InnoDB's two-phase locking; every one that has written
 * ends by taking the row of the head, so that its numbers are given in the order of commits. Nodes of a Galera
 * cluster do not tell each other of their locks, but of what they write: there the row of the head is what makes two
 * commits conflict of which one has not seen the other.
 */

import type { CompiledQuery } from 'kysely'
import { PROVISIONAL_FROM } from '../../keyspace/provisional.ts'
import type { Catalogue } from '../sql/catalogue.ts'
import type { Ending, SqlQuery, SqlResult, SqlWriter } from '../sql/sql-connection.ts'
import type { MysqlConnection } from './mysql-connection.ts'
import { MysqlRewrites } from './mysql-rewrites.ts'
import { quote } from './mysql-schema.ts'

/** Rows numbered by one statement; their ids are padded to a power of two, so that few texts are prepared. */
const IDS_MAX = 256

interface Statement {
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export class MysqlWriter implements SqlWriter {
  readonly #connection: MysqlConnection
  readonly #catalogue: Catalogue
  readonly #rewrites: MysqlRewrites

  constructor(connection: MysqlConnection, catalogue: Catalogue) {
    this.#connection = connection
    this.#catalogue = catalogue
    this.#rewrites = new MysqlRewrites(connection, catalogue)
  }

  get isUsable(): boolean {
    return this.#connection.isUsable
  }

  // The session has autocommit off: its first statement begins a transaction.
  begin({ isRepeated }: { readonly isRepeated: boolean }): void {
    this.#rewrites.locksRows = isRepeated
  }

  execute(query: SqlQuery): Promise<SqlResult> {
    return this.#rewrites.execute(query as CompiledQuery)
  }

  async commit(ending: Ending): Promise<void> {
    const numbering = this.#numbering(ending)
    const statements: Statement[] = [
      { sql: 'select position + 1, number into p, n from rome_head where id = 1 for update', parameters: [] },
      {
        sql: 'update rome_head set position = p, number = n + ? where id = 1',
        parameters: [ending.numbers],
      },
      ...numbering,
      {
        sql: 'insert into rome_commits (position, id, peer, changes) values (p, ?, ?, ?)',
        parameters: [ending.id, ending.peer, JSON.stringify(ending.changes)],
      },
    ]
    const body = statements.map(({ sql }) => `  ${sql};`).join('\n')
    const sql = `begin not atomic
  declare p, n bigint;
  declare exit handler for sqlexception begin rollback; resignal; end;
${body}
  commit;
end`
    const parameters = statements.flatMap(({ parameters: values }) => values)
    await this.#connection.execute({ sql, parameters }, { isCommit: true })
  }

  async commitRead(): Promise<void> {
    await this.#connection.run('commit')
  }

  async rollback(): Promise<void> {
    await this.#connection.run('rollback')
  }

  destroy(): void {
    this.#connection.destroy()
  }

  #numbering({ numbers, changes }: Ending): Statement[] {
    if (numbers === 0) return []
    const byTable = Map.groupBy(changes, ({ table }) => table)
    return [...byTable].flatMap(([table, members]) =>
      this.#catalogue.numberedColumns(table).flatMap((column) =>
        chunks([...new Set(members.map(({ id }) => id))]).map((ids) => ({
          sql: `update ${quote(table)} set ${quote(column)} = ${quote(column)} - ${PROVISIONAL_FROM} + n + 1 where id in (${ids
            .map(() => '?')
            .join(', ')}) and ${quote(column)} >= ${PROVISIONAL_FROM}`,
          parameters: ids,
        })),
      ),
    )
  }
}

function chunks(ids: readonly string[]): string[][] {
  const all: string[][] = []
  for (let from = 0; from < ids.length; from += IDS_MAX) {
    const chunk = ids.slice(from, from + IDS_MAX)
    const length = 2 ** Math.ceil(Math.log2(chunk.length))
    all.push([...chunk, ...Array.from({ length: length - chunk.length }, () => chunk[0] ?? '')])
  }
  return all
}
