/** Runs a case on SQLite and on ROME and says where they differ. */

import Sqlite from 'better-sqlite3'
import { type Compilable, type CompiledQuery, Kysely, type QueryResult } from 'kysely'
import { QueryNotSupported, UniqueViolation } from '../errors.ts'
import { missingDefinitions } from '../schema/data-definition.ts'
import type { Table } from '../schema/define-table.ts'
import type { AnyTables, Queries } from '../store.ts'
import { sqliteDialect } from '../stores/sqlite/sqlite-dialect.ts'
import { Statements } from '../stores/sqlite/statements.ts'
import { type BuiltStatement, buildStatement } from './build-statement.ts'
import { buildTable, columnName, givenTo } from './build-tables.ts'
import type { CaseSpec } from './case.ts'
import { varied } from './vary.ts'

/** What is compared with SQLite. */
export interface Subject {
  readonly queries: Queries
  /** How a query is run; by `queries` themselves unless told. */
  readonly run?: (query: CompiledQuery) => Promise<QueryResult<unknown>>
  /** Anything that must hold after a statement, beside the answer. */
  readonly check?: () => void
  readonly close?: () => Promise<void>
}

export interface CaseReport {
  readonly compared: number
  /** Statements that ROME refuses as outside of its subset, by what it refuses. */
  readonly refused: readonly string[]
}

export type OpenSubject = (tables: readonly Table[]) => Promise<Subject>

/** @param prefix of the names of tables, where cases share a store @throws Error that tells the first difference */
export async function runCase(spec: CaseSpec, open: OpenSubject, prefix = ''): Promise<CaseReport> {
  const tables = spec.tables.map((table, at) => buildTable(table, `${prefix}t${at}`))
  const database = new Sqlite(':memory:')
  const none = { columns: new Map(), indexes: new Set<string>() }
  for (const definition of missingDefinitions(tables, none)) database.exec(definition)
  const sqlite = new Kysely<AnyTables>({ dialect: sqliteDialect(new Statements(database), ':memory:') })
  const subject = await open(tables)
  try {
    await fill(spec, tables, [{ queries: sqlite }, subject])
    return await compareAll(spec, tables, { sqlite, subject })
  } finally {
    await subject.close?.()
    database.close()
  }
}

async function fill(spec: CaseSpec, tables: readonly Table[], both: readonly Subject[]): Promise<void> {
  for (const [at, table] of tables.entries()) {
    const { columns, rows } = spec.tables[at] as CaseSpec['tables'][number]
    for (const scalars of rows) {
      const entries = columns.map((column, position) => {
        const value = givenTo(column, scalars[position] ?? null)
        return [columnName(position), value] as const
      })
      const values = Object.fromEntries(entries.filter(([, value]) => value !== undefined))
      const outcomes = await Promise.all(both.map((subject) => outcomeOf(inserted(subject, table, values))))
      expectEqual(outcomes[0], outcomes[1], `insert ${JSON.stringify(values)} into ${table.name}`)
    }
  }
}

async function inserted(subject: Subject, { name }: Table, values: Record<string, unknown>): Promise<string> {
  await rowsOf(subject, subject.queries.insertInto(name).values(values))
  return 'inserted'
}

async function compareAll(
  spec: CaseSpec,
  tables: readonly Table[],
  { sqlite, subject }: { sqlite: Queries; subject: Subject },
): Promise<CaseReport> {
  const refused: string[] = []
  let compared = 0
  for (const statement of spec.statements.flatMap((one) => [one, varied(one)])) {
    const expected = buildStatement(statement, { queries: sqlite, spec, tables })
    const actual = buildStatement(statement, { queries: subject.queries, spec, tables })
    if (!expected || !actual) continue
    const answer = await outcomeOf(run(subject, actual))
    if (answer.refusal !== undefined) {
      refused.push(answer.refusal)
      continue
    }
    const { sql, parameters } = expected.query.compile()
    const where = `${sql}  with ${JSON.stringify(parameters)}`
    expectEqual(await outcomeOf(run({ queries: sqlite }, expected)), answer, where)
    compared++
    subject.check?.()
    if (statement.kind !== 'select') await compareTables(tables, [{ queries: sqlite }, subject], where)
  }
  return { compared, refused }
}

async function compareTables(
  tables: readonly Table[],
  both: readonly Subject[],
  where: string,
): Promise<void> {
  for (const { name } of tables) {
    const dumps = await Promise.all(
      both.map(async (subject) =>
        sorted(await rowsOf(subject, subject.queries.selectFrom(name).selectAll())),
      ),
    )
    expectEqual(dumps[0], dumps[1], `${name} after ${where}`)
  }
}

function resultOf({ queries, run }: Subject, query: Compilable<unknown>): Promise<QueryResult<unknown>> {
  const compiled = query.compile()
  return run ? run(compiled) : queries.executeQuery(compiled)
}

async function rowsOf(subject: Subject, query: Compilable<unknown>): Promise<readonly unknown[]> {
  return (await resultOf(subject, query)).rows
}

async function run(subject: Subject, { query, compared }: BuiltStatement): Promise<unknown> {
  const { rows, numAffectedRows } = await resultOf(subject, query)
  const affected = numAffectedRows === undefined ? 0 : Number(numAffectedRows)
  if (compared === 'count') return { count: rows.length }
  return { rows: compared === 'sequence' ? rows.map(plainRow) : sorted(rows), affected }
}

interface Outcome {
  readonly value?: unknown
  /** An error that both must give. */
  readonly error?: string
  readonly refusal?: string
}

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await work }
  } catch (error) {
    if (QueryNotSupported.is(error)) return { refusal: String((error.detail as { what: string }).what) }
    if (UniqueViolation.is(error)) return { error: `unique ${JSON.stringify(error.detail)}` }
    const message = error instanceof Error ? error.message : String(error)
    if (/^NOT NULL/.test(message)) return { error: message }
    throw error
  }
}

function sorted(rows: readonly unknown[]): readonly string[] {
  return rows.map(plainRow).sort()
}

/** Text that is equal for equal rows, whatever the order of their columns. */
function plainRow(row: unknown): string {
  const entries = Object.entries(row as Record<string, unknown>).map(
    ([name, value]) => [name, plainValue(value)] as const,
  )
  return JSON.stringify(entries.sort(([left], [right]) => (left < right ? -1 : 1)))
}

function plainValue(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') }
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function expectEqual(expected: unknown, actual: unknown, where: string): void {
  const [left, right] = [JSON.stringify(expected), JSON.stringify(actual)]
  if (left !== right)
    throw new Error(`SQLite and ROME differ in ${where}\n  SQLite: ${left}\n  ROME:   ${right}`)
}
