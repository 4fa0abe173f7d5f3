import assert from 'node:assert/strict'
import test from 'node:test'
import {
  OutcomeUnknown,
  StoreFull,
  StoreReadOnly,
  StoreUnavailable,
  TransactionConflict,
  UniqueViolation,
  ValueRefused,
} from '../../errors.ts'
import { text } from '../../schema/column.ts'
import { defineTable } from '../../schema/define-table.ts'
import { Catalogue } from '../sql/catalogue.ts'
import { translateMysqlError } from './mysql-errors.ts'

const catalogue = new Catalogue()
catalogue.add([
  defineTable('islands', { id: text(), name: text() }, { primaryKey: ['id'], unique: [['name']] }),
])

const told = (errno: number, message = '', isCommit = false) =>
  translateMysqlError(Object.assign(new Error(message), { errno, code: '', fatal: false }), {
    description: 'here',
    catalogue,
    table: 'islands',
    isCommit,
  })

test('each number of an error is one of ours', () => {
  for (const errno of [1213, 1205, 1020]) assert.ok(TransactionConflict.is(told(errno)))
  for (const errno of [1021, 1114]) assert.ok(StoreFull.is(told(errno)))
  for (const errno of [1290, 1792, 1836]) assert.ok(StoreReadOnly.is(told(errno)))
  for (const errno of [1040, 1045, 1049, 1053, 1047]) assert.ok(StoreUnavailable.is(told(errno)))
  for (const errno of [1406, 1264]) assert.ok(ValueRefused.is(told(errno)))
})

test('a session that ends during a commit leaves its outcome unknown, a node that is not ready does not', () => {
  assert.ok(OutcomeUnknown.is(told(1927, '', true)))
  assert.ok(StoreUnavailable.is(told(1047, '', true)))
})

test('a duplicate names the columns of its index, or of the primary key', () => {
  for (const [key, column] of [
    ['islands_name_unique', 'name'],
    ['PRIMARY', 'id'],
  ] as const) {
    const error = told(1062, `Duplicate entry 'x' for key '${key}'`)
    assert.ok(UniqueViolation.is(error))
    assert.deepEqual(error.detail, { table: 'islands', columns: [column] })
  }
})

test('what is a bug of ours stays what it is', () => {
  const error = Object.assign(new Error('syntax'), { errno: 1064, code: 'ER_PARSE_ERROR', fatal: false })
  assert.equal(translateMysqlError(error, { description: 'here', catalogue }), error)
})
