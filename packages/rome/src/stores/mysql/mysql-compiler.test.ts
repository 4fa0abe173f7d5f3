import assert from 'node:assert/strict'
import test from 'node:test'
import { DummyDriver, Kysely, MysqlAdapter, MysqlIntrospector } from 'kysely'
import { QueryNotSupported } from '../../errors.ts'
import type { AnyTables } from '../../store.ts'
import { likeExpression, MariadbCompiler } from './mysql-compiler.ts'

const queries = new Kysely<AnyTables>({
  dialect: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new MysqlIntrospector(database),
    createQueryCompiler: () => new MariadbCompiler(),
  },
})
const from = () => queries.selectFrom('t').select('a')

test('like becomes an expression in which only % and _ mean anything', () => {
  assert.equal(likeExpression('a%_.é\\'), '(?s)\\A[aA].*.\\x{2e}é\\x{5c}\\z')
})

test('in () and not in () are what they are in SQLite', () => {
  assert.match(from().where('a', 'in', []).compile().sql, /where \(1 = 0\)$/)
  assert.match(from().where('a', 'not in', []).compile().sql, /where \(1 = 1\)$/)
})

test('is takes NULLs as equal', () => {
  assert.match(
    from()
      .where('a', 'is', 1 as never)
      .compile().sql,
    /where \(`a` <=> \?\)$/,
  )
  assert.match(
    from()
      .where('a', 'is not', 1 as never)
      .compile().sql,
    /where not \(`a` <=> \?\)$/,
  )
  assert.match(from().where('a', 'is', null).compile().sql, /where `a` is null$/)
})

test('the place of NULL in an order is written with what MariaDB has', () => {
  const ordered = from().orderBy('a', (order) => order.asc().nullsLast())
  assert.match(ordered.compile().sql, /order by `a` is null, `a` asc$/)
})

test('division is refused by name, since it would answer otherwise', () => {
  const divided = queries.selectFrom('t').select((query) => query('a', '/', 2 as never).as('half'))
  assert.throws(() => divided.compile(), QueryNotSupported.is)
})
