/** Cases in which ROME and SQLite once differed, shrunk, each with what it was about. */

import type { CaseSpec, SelectSpec, StatementSpec, TableSpec } from './case.ts'

export interface Regression {
  readonly fact: string
  readonly spec: CaseSpec
}

const select: SelectSpec = {
  kind: 'select',
  table: 0,
  joins: [],
  where: null,
  selected: null,
  isDistinct: false,
  group: null,
  order: [],
  limit: null,
  offset: null,
}

type Kinds = readonly TableSpec['columns'][number]['kind'][]

function table(kinds: Kinds, rows: TableSpec['rows'], keys: Partial<TableSpec> = {}): TableSpec {
  const columns = kinds.map((kind) => ({ kind, isNullable: false }))
  return { columns, keyColumns: 1, indexes: [], unique: [], rows, ...keys }
}

function regression(fact: string, tables: readonly TableSpec[], ...statements: StatementSpec[]): Regression {
  return { fact, spec: { tables, statements } }
}

const insert = { kind: 'insert', table: 0, named: 0, conflict: null, isReturning: false } as const

export const regressions: readonly Regression[] = [
  regression(
    'a boolean becomes the text of a real number',
    [table(['text', 'text', 'text'], [], { keyColumns: 2 })],
    {
      ...insert,
      rows: [[0, false, 0]],
    },
  ),
  regression(
    'of two keys that are taken, the newest index is named',
    [table(['text', 'text', 'text'], [['a', 'b', 'c']], { unique: [[1], [2]] })],
    { ...insert, rows: [['a', 'b', 'c']], named: 3 },
  ),
  regression(
    'the target of on conflict is looked at before other keys',
    [table(['text', 'boolean', 'text'], [['0.0', true, '']], { unique: [[1]] })],
    { ...insert, rows: [[0]], named: 1, conflict: { target: 0, assignments: null, where: null } },
  ),
  regression(
    'a join repeats the rows of its first table, so that a whole key does not decide their order',
    [
      table(
        ['text', 'text'],
        [
          ['ab', ''],
          ['', ''],
        ],
      ),
    ],
    {
      ...select,
      joins: [{ kind: 'inner', table: 0, isDerived: true, equal: null, on: null }],
      order: [{ expression: { kind: 'column', column: 0 }, direction: 'desc', nulls: null }],
      limit: 1,
    },
  ),
  regression(
    'text that is compared with numbers of a sub-select is not looked up by its index',
    [table(['real'], [[1]]), table(['real', 'text'], [[0, '1.0']], { indexes: [[1]] })],
    {
      ...select,
      table: 1,
      where: {
        kind: 'in select',
        left: { kind: 'column', column: 1 },
        query: { table: 0, column: 0, where: null, aggregate: 'min' },
        isNegated: false,
      },
    },
  ),
  regression('excluded values are compared without conversion', [table(['text', 'text'], [['1.0', '']])], {
    ...insert,
    rows: [[1]],
    named: 1,
    conflict: {
      target: 0,
      assignments: [[1, { kind: 'value', value: 'set' }]],
      where: { kind: 'in', left: { kind: 'column', column: 2 }, values: [1], isNegated: false },
    },
  }),
  regression(
    'NULL is refused in the order of the columns, not of the assignments',
    [table(['text', 'text'], [['1.0', '']])],
    {
      ...insert,
      rows: [[1]],
      named: 1,
      conflict: {
        target: 0,
        assignments: [
          [
            1,
            {
              kind: 'function',
              name: 'abs',
              operand: { kind: 'value', value: null },
              other: { kind: 'value', value: 0 },
            },
          ],
          [
            0,
            {
              kind: 'function',
              name: 'abs',
              operand: { kind: 'value', value: null },
              other: { kind: 'value', value: 0 },
            },
          ],
        ],
        where: null,
      },
    },
  ),
  regression('what upper makes of a number divides as text does', [table(['real', 'text'], [[0.5, '']])], {
    ...select,
    selected: [
      {
        kind: 'arithmetic',
        operator: '/',
        left: {
          kind: 'and',
          parts: [
            { kind: 'column', column: 0 },
            { kind: 'column', column: 0 },
          ],
        },
        right: {
          kind: 'function',
          name: 'upper',
          operand: { kind: 'value', value: 2 },
          other: { kind: 'value', value: 0 },
        },
      },
    ],
  }),
  regression('the amount of text is a real number', [table(['text', 'text'], [['', '']])], {
    kind: 'update',
    table: 0,
    assignments: [
      [
        1,
        {
          kind: 'function',
          name: 'abs',
          operand: { kind: 'column', column: 0 },
          other: { kind: 'value', value: 0 },
        },
      ],
    ],
    where: null,
    isReturning: false,
  }),
  regression('membership of nothing is a literal truth value', [table(['text', 'text'], [['1.0', '']])], {
    ...select,
    where: {
      kind: 'compare',
      operator: 'is',
      left: { kind: 'column', column: 0 },
      right: { kind: 'in', left: { kind: 'column', column: 0 }, values: [], isNegated: true },
    },
  }),
]
