/**
 * Numbers in the order of commits, for one SQLite file. Transactions run one after the other, so a counter in memory is
 * enough while a group runs; it is written once a group, in the group's own commit. A transaction that fails gives its
 * numbers back, so that the counter rises only with what is written.
 */

import type { Database, Statement } from 'better-sqlite3'

const TABLE = 'rome_commit_numbers'

/** Makes the table of the counter. The first version of the schema had it among the tables of its user. */
export function createNumbers(writer: Database): void {
  writer.exec(`create table ${TABLE} (id integer primary key check (id = 1), number integer not null)`)
  const isFirstVersion = writer.prepare("select 1 from sqlite_schema where name = 'site_state'").get()
  const start = isFirstVersion ? "coalesce((select number from site_state where key = 'seq'), 0)" : '0'
  writer.exec(`insert into ${TABLE} (id, number) values (1, ${start})`)
}

export class CommitNumbers {
  readonly #read: Statement
  readonly #readDurable: Statement
  readonly #write: Statement
  /** The last number given in the group that runs; undefined when it has given none. */
  #last: number | undefined

  constructor({ writer, reader }: { writer: Database; reader: Database }) {
    this.#read = writer.prepare(`select number from ${TABLE}`).pluck()
    this.#readDurable = reader.prepare(`select number from ${TABLE}`).pluck()
    this.#write = writer.prepare(`update ${TABLE} set number = ?`)
  }

  /** Callers must be inside the group. */
  next(): number {
    this.#last = (this.#last ?? Number(this.#read.get())) + 1
    return this.#last
  }

  /** Where `rollBackTo` goes back to. */
  mark(): number | undefined {
    return this.#last
  }

  /** Takes back the numbers given since; those of the transactions before stay. */
  rollBackTo(mark: number | undefined): void {
    this.#last = mark
  }

  /** Writes what was given, inside the group; the next group begins with what is in the file. */
  keep(): void {
    if (this.#last === undefined) return
    this.#write.run(this.#last)
    this.#last = undefined
  }

  /** The latest number that is durable. */
  head(): number {
    return Number(this.#readDurable.get())
  }
}
