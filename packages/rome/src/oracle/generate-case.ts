/** Generators of cases. Values are few, so that they meet; kinds mix now and then, as SQLite lets them. */

import fc from 'fast-check'
import type { ColumnKind } from '../schema/column.ts'
import type {
  AssignmentSpec,
  CaseSpec,
  ColumnSpec,
  ConflictSpec,
  ExpressionSpec,
  GroupSpec,
  JoinSpec,
  OrderSpec,
  Scalar,
  SelectSpec,
  StatementSpec,
  SubSelectSpec,
  TableSpec,
} from './case.ts'

const texts = [
  '',
  'a',
  'A',
  'ab',
  'aB',
  'b',
  'a%',
  'a_',
  'é',
  '\ufb00',
  '\u{10000}',
  '1',
  '1.0',
  ' 2 ',
  'x\u0000y',
  '\u0001',
]
const numbers = [0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 10, 100]
const patterns = ['a%', '%b', 'A_', '%', '', '_', '%a%', 'é%', '1%', '%.0', 'ab', 'a\u0000%']

const text = fc.constantFrom(...texts)
const number = fc.constantFrom(...numbers)
const integer = fc.integer({ min: -2, max: 4 })
const bytes = fc.constantFrom('', '00', '61', '6162', '0001ff').map((hex) => ({ bytes: hex }))
const json = fc
  .constantFrom<unknown>([], {}, [1], ['a', null], { a: 1 }, { a: { b: ['é'] } }, [[1], [2]])
  .map((value) => ({ json: value }))

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  { weight: 6, arbitrary: integer },
  { weight: 6, arbitrary: text },
  { weight: 2, arbitrary: number },
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: bytes },
)

const kinds = fc.constantFrom<ColumnKind>(
  'text',
  'text',
  'integer',
  'integer',
  'real',
  'boolean',
  'json',
  'blob',
)

function valueOfKind({ kind, isNullable }: ColumnSpec): fc.Arbitrary<Scalar> {
  const usual: fc.Arbitrary<Scalar> = usualOfKind(kind)
  const choices = [{ weight: 12, arbitrary: usual }]
  if (isNullable) choices.push({ weight: 4, arbitrary: fc.constant(null) })
  if (kind !== 'json' && kind !== 'boolean')
    choices.push({ weight: 1, arbitrary: fc.oneof(integer, text, number) })
  return fc.oneof(...choices)
}

function usualOfKind(kind: ColumnKind): fc.Arbitrary<Scalar> {
  switch (kind) {
    case 'text':
      return text
    case 'integer':
      return integer
    case 'real':
      return number
    case 'boolean':
      return fc.boolean()
    case 'json':
      return json
    case 'blob':
      return bytes
  }
}

const column: fc.Arbitrary<ColumnSpec> = fc.record({ kind: kinds, isNullable: fc.boolean() })

const table: fc.Arbitrary<TableSpec> = fc
  .record({
    key: fc.array(fc.constantFrom<ColumnKind>('text', 'integer', 'integer', 'real'), {
      minLength: 1,
      maxLength: 2,
    }),
    others: fc.array(column, { minLength: 1, maxLength: 5 }),
    indexes: fc.array(fc.array(fc.nat(6), { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
    unique: fc.array(fc.array(fc.nat(6), { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  })
  .chain(({ key, others, indexes, unique }) => {
    // A single integer would be SQLite's row id, with rules of its own; see the refusal in `planInsert`.
    const kinds_ = key.length === 1 && key[0] === 'integer' ? (['real'] as const) : key
    const columns = [...kinds_.map((kind) => ({ kind, isNullable: false })), ...others]
    const row = fc.tuple(...columns.map(valueOfKind))
    return fc.record({
      columns: fc.constant(columns),
      keyColumns: fc.constant(key.length),
      indexes: fc.constant(indexes),
      unique: fc.constant(unique),
      rows: fc.array(row, { maxLength: 12 }),
    })
  })

const comparison = fc.constantFrom(
  '=',
  '=',
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'is',
  'is not',
) as fc.Arbitrary<'='>
const columnOf: fc.Arbitrary<ExpressionSpec> = fc.record({ kind: fc.constant('column'), column: fc.nat(12) })
const value: fc.Arbitrary<ExpressionSpec> = fc.record({ kind: fc.constant('value'), value: scalar })
const outer: fc.Arbitrary<ExpressionSpec> = fc.record({
  kind: fc.constant('column'),
  column: fc.nat(12),
  isOuter: fc.constant(true),
})

/** A condition that an index could serve. */
const simple: fc.Arbitrary<ExpressionSpec> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('compare' as const),
      operator: comparison,
      left: columnOf,
      right: value,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('in' as const),
      left: columnOf,
      values: fc.array(scalar, { maxLength: 4 }),
      isNegated: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('like' as const),
      left: columnOf,
      pattern: fc.constantFrom(...patterns),
      isNegated: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('between' as const), left: columnOf, low: value, high: value }),
  },
)

function expressions(leaves: fc.Arbitrary<ExpressionSpec>, depth: number): fc.Arbitrary<ExpressionSpec> {
  const { tree } = fc.letrec<{ tree: ExpressionSpec; leaf: ExpressionSpec }>((tie) => ({
    leaf: leaves,
    tree: fc.oneof(
      { maxDepth: depth, depthIdentifier: 'expression' },
      tie('leaf'),
      fc.record({
        kind: fc.constant('compare' as const),
        operator: comparison,
        left: tie('tree'),
        right: tie('tree'),
      }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        parts: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not' as const), operand: tie('tree') }),
      fc.record({
        kind: fc.constant('arithmetic' as const),
        operator: fc.constantFrom('+', '-', '*', '/', '%', '||') as fc.Arbitrary<'+'>,
        left: tie('tree'),
        right: tie('tree'),
      }),
      fc.record({
        kind: fc.constant('case' as const),
        condition: tie('tree'),
        outcome: tie('tree'),
        otherwise: tie('tree'),
      }),
      fc.record({
        kind: fc.constant('function' as const),
        name: fc.constantFrom('coalesce', 'lower', 'upper', 'length', 'abs') as fc.Arbitrary<'coalesce'>,
        operand: tie('tree'),
        other: tie('tree'),
      }),
    ),
  }))
  return tree
}

const conditions = (leaves: fc.Arbitrary<ExpressionSpec>): fc.Arbitrary<ExpressionSpec> =>
  fc.oneof(
    { weight: 4, arbitrary: leaves },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'and' as const, 'or' as const),
        parts: fc.array(leaves, { minLength: 2, maxLength: 3 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.array(leaves, { minLength: 2, maxLength: 2 }),
          fc.array(leaves, { minLength: 2, maxLength: 2 }),
        )
        .map(
          ([left, right]): ExpressionSpec => ({
            kind: 'or',
            parts: [
              { kind: 'and', parts: left },
              { kind: 'and', parts: right },
            ],
          }),
        ),
    },
    { weight: 2, arbitrary: expressions(fc.oneof(leaves, columnOf, value), 2) },
  )

const inner = fc.oneof(
  { weight: 3, arbitrary: simple },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('compare' as const),
      operator: comparison,
      left: columnOf,
      right: outer,
    }),
  },
)
const subSelect: fc.Arbitrary<SubSelectSpec> = fc.record({
  table: fc.nat(2),
  column: fc.nat(6),
  where: fc.option(conditions(inner)),
  aggregate: fc.constantFrom('min', 'max', 'count', 'sum') as fc.Arbitrary<'min'>,
})
const withSubSelects: fc.Arbitrary<ExpressionSpec> = fc.oneof(
  { weight: 8, arbitrary: simple },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('exists' as const), query: subSelect, isNegated: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('in select' as const),
      left: columnOf,
      query: subSelect,
      isNegated: fc.boolean(),
    }),
  },
)
const where = fc.option(conditions(withSubSelects), { freq: 6 })

const join: fc.Arbitrary<JoinSpec> = fc.record({
  kind: fc.constantFrom('inner' as const, 'left' as const),
  table: fc.nat(2),
  isDerived: fc.integer({ min: 0, max: 5 }).map((at) => at === 0),
  equal: fc.option(fc.tuple(fc.nat(6), fc.nat(12)), { freq: 5 }),
  on: fc.option(simple),
})

const order: fc.Arbitrary<OrderSpec> = fc.record({
  expression: fc.oneof(
    { weight: 6, arbitrary: columnOf },
    { weight: 1, arbitrary: expressions(columnOf, 1) },
  ),
  direction: fc.constantFrom('asc' as const, 'desc' as const),
  nulls: fc.option(fc.constantFrom('first' as const, 'last' as const), { freq: 1 }),
})

const group: fc.Arbitrary<GroupSpec> = fc.record({
  keys: fc.array(fc.nat(12), { maxLength: 2 }),
  aggregates: fc.array(
    fc.record({
      name: fc.constantFrom('count', 'sum', 'avg', 'min', 'max') as fc.Arbitrary<'count'>,
      operand: fc.oneof(
        { weight: 5, arbitrary: columnOf },
        { weight: 1, arbitrary: expressions(columnOf, 1) },
      ),
      isDistinct: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  having: fc.option(fc.record({ operator: comparison, value: scalar })),
})

const selected = fc.oneof(
  { weight: 6, arbitrary: columnOf },
  { weight: 2, arbitrary: expressions(fc.oneof(columnOf, value), 2) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('scalar' as const), query: subSelect }) },
)

const select: fc.Arbitrary<SelectSpec> = fc.record({
  kind: fc.constant('select'),
  table: fc.nat(2),
  joins: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(join, { minLength: 1, maxLength: 2 }) },
  ),
  where,
  selected: fc.option(fc.array(selected, { minLength: 1, maxLength: 4 })),
  isDistinct: fc.integer({ min: 0, max: 4 }).map((at) => at === 0),
  group: fc.option(group, { freq: 1 }).map((given) => given),
  order: fc.array(order, { maxLength: 3 }),
  limit: fc.option(fc.integer({ min: 0, max: 6 })),
  offset: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 1 }),
})

const assignments: fc.Arbitrary<readonly AssignmentSpec[]> = fc.array(
  fc.tuple(fc.nat(6), fc.oneof(value, expressions(fc.oneof(columnOf, value), 1))),
  { minLength: 1, maxLength: 3 },
)

const insert: fc.Arbitrary<StatementSpec> = fc.record({
  kind: fc.constant('insert' as const),
  table: fc.nat(2),
  rows: fc.array(fc.array(scalar, { minLength: 7, maxLength: 7 }), { minLength: 1, maxLength: 4 }),
  named: fc.nat(7),
  conflict: fc.option<ConflictSpec>(
    fc.record({
      target: fc.option(fc.nat(2)),
      assignments: fc.option(assignments),
      where: fc.option(simple),
    }),
  ),
  isReturning: fc.boolean(),
})

const update: fc.Arbitrary<StatementSpec> = fc.record({
  kind: fc.constant('update' as const),
  table: fc.nat(2),
  assignments,
  where,
  isReturning: fc.boolean(),
})

const remove: fc.Arbitrary<StatementSpec> = fc.record({
  kind: fc.constant('delete' as const),
  table: fc.nat(2),
  where,
  isReturning: fc.boolean(),
})

const statement: fc.Arbitrary<StatementSpec> = fc.oneof(
  { weight: 8, arbitrary: select },
  { weight: 2, arbitrary: insert },
  { weight: 2, arbitrary: update },
  { weight: 1, arbitrary: remove },
)

export const generatedCase: fc.Arbitrary<CaseSpec> = fc.record({
  tables: fc.array(table, { minLength: 1, maxLength: 3 }),
  statements: fc.array(statement, { minLength: 1, maxLength: 6 }),
})
