/**
 * What MariaDB cannot say in one statement: `update … returning`, and `on conflict` for one of several unique keys. Several
 * statements of the same transaction do it, in which nobody can come between.
 */

import {
  AndNode,
  BinaryOperationNode,
  ColumnNode,
  type ColumnUpdateNode,
  type CompiledQuery,
  createQueryId,
  type InsertQueryNode,
  type OnConflictNode,
  type OperationNode,
  OperationNodeTransformer,
  OperatorNode,
  OrNode,
  ParensNode,
  PrimitiveValueListNode,
  ReferenceNode,
  type ReturningNode,
  SelectionNode,
  SelectQueryNode,
  TableNode,
  UpdateQueryNode,
  ValueListNode,
  ValueNode,
  ValuesNode,
  WhereNode,
} from 'kysely'
import { QueryNotSupported, UniqueViolation } from '../../errors.ts'
import type { Catalogue } from '../sql/catalogue.ts'
import type { SqlResult } from '../sql/sql-connection.ts'
import { MariadbCompiler } from './mysql-compiler.ts'
import type { MysqlConnection, StatementOptions } from './mysql-connection.ts'

type Row = Record<string, unknown>
type Root = SelectQueryNode | InsertQueryNode | UpdateQueryNode

export class MysqlRewrites {
  readonly #connection: MysqlConnection
  readonly #catalogue: Catalogue
  /**
   * Whether reads take the locks of writers. Serializable reads lock what they read, shared; two that both go on to write it are a
   * deadlock, of which one is run again. Locked at once they come one after the other.
   */
  locksRows = false

  constructor(connection: MysqlConnection, catalogue: Catalogue) {
    this.#connection = connection
    this.#catalogue = catalogue
  }

  /** Runs the query, in several statements where one is not enough. */
  async execute(query: CompiledQuery): Promise<SqlResult> {
    const node = query.query as OperationNode | undefined
    if (this.locksRows && node && SelectQueryNode.is(node) && !node.setOperations)
      return this.#connection.execute({ ...query, sql: `${query.sql} for update` })
    if (node?.kind === 'UpdateQueryNode') return this.#update(node as UpdateQueryNode, query)
    if (node?.kind === 'InsertQueryNode') return this.#insert(node as InsertQueryNode, query)
    if (node?.kind === 'DeleteQueryNode') return counted(await this.#connection.execute(query), query)
    return this.#connection.execute(query)
  }

  async #update(node: UpdateQueryNode, query: CompiledQuery): Promise<SqlResult> {
    const table = node.table && tableOf(node.table)
    if (!node.returning) return this.#connection.execute(query, { table })
    if (!table || node.from || node.joins)
      throw QueryNotSupported({ what: 'returning from an update of several tables', fragment: query.sql })
    const keys = this.#catalogue.primaryKey(table).columns
    if (keys.length === 0 || node.updates?.some((update) => keys.includes(updatedColumn(update))))
      throw QueryNotSupported({ what: 'returning from an update of a primary key', fragment: query.sql })
    const { returning, ...update } = node
    const key = keyIn(node.where?.where, keys)
    if (key) {
      const { changes } = await this.#connection.execute(this.#compile(update as UpdateQueryNode), { table })
      const where = WhereNode.create(isOneOf(keys, [key]))
      return changes === 0 ? { rows: [], changes } : this.#written(table, { returning, where }, changes)
    }
    const found = await this.#run(
      { ...SelectQueryNode.createFrom([TableNode.create(table)]), ...picked(node), ...selection(keys) },
      { suffix: ' for update' },
    )
    if (found.rows.length === 0) return { rows: [], changes: 0 }
    const where = WhereNode.create(isOneOf(keys, found.rows))
    const { changes } = await this.#run({ ...update, where } as UpdateQueryNode, { table })
    return this.#written(table, { returning, where }, changes)
  }

  async #written(
    table: string,
    { returning, where }: { readonly returning: ReturningNode; readonly where: WhereNode },
    changes: number,
  ): Promise<SqlResult> {
    const select = SelectQueryNode.createFrom([TableNode.create(table)])
    const { rows } = await this.#run({ ...select, selections: returning.selections, where })
    return { rows, changes }
  }

  async #insert(node: InsertQueryNode, query: CompiledQuery): Promise<SqlResult> {
    const table = node.into && tableOf(node.into)
    if (!node.onConflict) return counted(await this.#connection.execute(query, { table }), query)
    const { onConflict, ...insert } = node
    if (
      !table ||
      !node.values ||
      !ValuesNode.is(node.values) ||
      onConflict.indexExpression ||
      onConflict.constraint
    )
      throw QueryNotSupported({ what: 'on conflict in this form', fragment: query.sql })
    const rows: Row[] = []
    let changes = 0
    for (const values of node.values.values) {
      const one = { ...insert, values: ValuesNode.create([values]) } as InsertQueryNode
      const result = await this.#insertOne(table, one, onConflict)
      rows.push(...result.rows)
      changes += result.changes
    }
    return { rows, changes }
  }

  async #insertOne(table: string, insert: InsertQueryNode, onConflict: OnConflictNode): Promise<SqlResult> {
    try {
      const compiled = this.#compile(insert)
      return counted(await this.#connection.execute(compiled, { table }), compiled)
    } catch (error) {
      if (!UniqueViolation.is(error)) throw error
      const violated = (error.detail as { columns: readonly string[] }).columns
      const target = onConflict.columns?.map(({ column }) => column.name)
      if (target && !isSame(target, violated)) throw error
      if (onConflict.doNothing || !onConflict.updates) return { rows: [], changes: 0 }
      return this.#updateInstead(table, insert, onConflict, target ?? violated)
    }
  }

  /** The row that was in the way is changed; `excluded` is the one that would have been inserted. */
  #updateInstead(
    table: string,
    insert: InsertQueryNode,
    onConflict: OnConflictNode,
    target: readonly string[],
  ): Promise<SqlResult> {
    const excluded = this.#excluded(table, insert)
    const replace = new ExcludedReplacer(excluded)
    const isTarget = target
      .map((column) => equals(column, excluded.get(column) ?? ValueNode.create(null)))
      .reduce<OperationNode | undefined>(
        (left, right) => (left ? AndNode.create(left, right) : right),
        undefined,
      )
    const condition = onConflict.updateWhere?.where
    const node = {
      ...UpdateQueryNode.create([TableNode.create(table)]),
      table: TableNode.create(table),
      updates: onConflict.updates?.map((update) => replace.transformNode(update)),
      where: WhereNode.create(
        condition && isTarget
          ? AndNode.create(isTarget, ParensNode.create(replace.transformNode(condition)))
          : (isTarget ?? ValueNode.createImmediate(false)),
      ),
      ...(insert.returning ? { returning: insert.returning } : {}),
    } as UpdateQueryNode
    return this.#update(node, this.#compile(node))
  }

  #excluded(table: string, insert: InsertQueryNode): ReadonlyMap<string, OperationNode> {
    const row = (insert.values as ValuesNode).values[0]
    const given = new Map<string, OperationNode>()
    for (const [name, { fallback }] of Object.entries(this.#catalogue.table(table)?.columns ?? {}))
      given.set(name, ValueNode.create(fallback))
    for (const [index, { column }] of (insert.columns ?? []).entries()) {
      if (row && PrimitiveValueListNode.is(row)) given.set(column.name, ValueNode.create(row.values[index]))
      else if (row && ValueListNode.is(row) && row.values[index]?.kind !== 'DefaultInsertValueNode')
        given.set(column.name, row.values[index] as OperationNode)
    }
    return given
  }

  #run(
    node: Root,
    { suffix = '', ...options }: StatementOptions & { suffix?: string } = {},
  ): Promise<SqlResult> {
    const { sql, parameters } = this.#compile(node)
    return this.#connection.execute({ sql: sql + suffix, parameters }, options)
  }

  #compile(node: Root): CompiledQuery {
    return new MariadbCompiler().compileQuery(node, createQueryId())
  }
}

/** Puts the values of the row that was not inserted where `excluded.column` stands. */
class ExcludedReplacer extends OperationNodeTransformer {
  readonly #values: ReadonlyMap<string, OperationNode>

  constructor(values: ReadonlyMap<string, OperationNode>) {
    super()
    this.#values = values
  }

  protected override transformNodeImpl<T extends OperationNode>(node: T, ...rest: never[]): T {
    if (
      ReferenceNode.is(node) &&
      node.table?.table.identifier.name === 'excluded' &&
      ColumnNode.is(node.column)
    ) {
      const value = this.#values.get(node.column.column.name)
      if (value) return value as T
    }
    return super.transformNodeImpl(node, ...rest)
  }
}

// What is returned was written.
function counted(result: SqlResult, { query }: CompiledQuery): SqlResult {
  return 'returning' in query && query.returning ? { ...result, changes: result.rows.length } : result
}

function picked({ where, orderBy, limit }: UpdateQueryNode): Partial<SelectQueryNode> {
  return { ...(where && { where }), ...(orderBy && { orderBy }), ...(limit && { limit }) }
}

function selection(columns: readonly string[]): Partial<SelectQueryNode> {
  return {
    selections: columns.map((name) => SelectionNode.create(ReferenceNode.create(ColumnNode.create(name)))),
  }
}

function isOneOf(keys: readonly string[], rows: readonly Row[]): OperationNode {
  const [key] = keys
  if (key !== undefined && keys.length === 1)
    return BinaryOperationNode.create(
      ReferenceNode.create(ColumnNode.create(key)),
      OperatorNode.create('in'),
      PrimitiveValueListNode.create(rows.map((row) => row[key])),
    )
  const alternatives = rows.map((row) =>
    ParensNode.create(
      keys
        .map((name) => equals(name, ValueNode.create(row[name])))
        .reduce((left, right) => AndNode.create(left, right)),
    ),
  )
  return ParensNode.create(
    alternatives.reduce((left, right) => ParensNode.create(OrNode.create(left, right))),
  )
}

function equals(column: string, value: OperationNode): OperationNode {
  return BinaryOperationNode.create(
    ReferenceNode.create(ColumnNode.create(column)),
    OperatorNode.create('='),
    value,
  )
}

/** The primary key that a condition names with values, whatever else it asks; undefined when it does not. */
function keyIn(condition: OperationNode | undefined, keys: readonly string[]): Row | undefined {
  const named = new Map<string, unknown>()
  const collect = (node: OperationNode): void => {
    if (ParensNode.is(node)) collect(node.node)
    if (AndNode.is(node)) for (const side of [node.left, node.right]) collect(side)
    if (!BinaryOperationNode.is(node) || !OperatorNode.is(node.operator) || node.operator.operator !== '=')
      return
    const { leftOperand, rightOperand } = node
    if (!ReferenceNode.is(leftOperand) || !ColumnNode.is(leftOperand.column) || !ValueNode.is(rightOperand))
      return
    named.set(leftOperand.column.column.name, rightOperand.value)
  }
  if (condition) collect(condition)
  return keys.every((key) => named.has(key))
    ? Object.fromEntries(keys.map((key) => [key, named.get(key)]))
    : undefined
}

function tableOf(node: OperationNode): string | undefined {
  return TableNode.is(node) ? node.table.identifier.name : undefined
}

function updatedColumn({ column }: ColumnUpdateNode): string {
  if (ColumnNode.is(column)) return column.column.name
  return ReferenceNode.is(column) && ColumnNode.is(column.column) ? column.column.column.name : ''
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name))
}
