import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CatalogueTable, catalogueOf } from '../schema/catalogue.ts'
import { blob, boolean, commitNumber, integer, json, real, text } from '../schema/column.ts'
import { defineTable, type Table } from '../schema/define-table.ts'
import { type Layout, mergeLayout } from '../schema/layout.ts'
import type { StoredRow } from '../values/value.ts'
import { encodeKey, encodeNumber } from './encode-value.ts'
import { PROVISIONAL_FROM } from './provisional.ts'
import { decodeRow, encodeRow } from './row-codec.ts'
import { indexKey, rowKey, rowKeyOfEntry, rowWrites } from './row-keys.ts'

const boats = defineTable(
  'boats',
  { id: text(), home: text(), seq: commitNumber(), crew: json<unknown>([]) },
  { primaryKey: ['id'], indexes: [['home', 'seq']] },
)

function only(table: Table, layouts?: ReadonlyMap<string, Layout>): CatalogueTable {
  return catalogueOf([table], layouts).tables.get(table.name) as CatalogueTable
}

test('a row of every kind of value comes back as it was', () => {
  const table = only(
    defineTable(
      'kinds',
      {
        id: text(),
        real: real(),
        flag: boolean(),
        crew: json<unknown>([]),
        bytes: blob(),
        none: text().nullable(),
      },
      { primaryKey: ['id'] },
    ),
  )
  const row: StoredRow = [
    'é \u{10000} \0',
    Number.POSITIVE_INFINITY,
    1,
    { a: ['ü', null] },
    Buffer.from([0, 255]),
    null,
  ]
  const bytes = encodeRow(table, row, [])
  assert.match(bytes, /^[\0-\xff]*$/u)
  assert.deepEqual(decodeRow(table, bytes), row)
})

test('numbers of a commit leave holes in the row and in the keys of its indexes', () => {
  const table = only(boats)
  const [row, entry] = rowWrites(table, undefined, ['a', 'east', PROVISIONAL_FROM + 3, []])
  assert.deepEqual(row?.holes, [{ in: 'value', offset: '["a","east",'.length, number: 3 }])
  assert.equal(row?.value, `["a","east",${PROVISIONAL_FROM + 3},[]]`)
  const offset = encodeKey(['east']).length + 1
  assert.deepEqual(entry?.holes, [{ in: 'key', offset, number: 3 }])
  assert.equal(entry?.key.slice(offset, offset + 8), encodeNumber(PROVISIONAL_FROM + 3))
})

test('a plain number in such a column stays, and a row that does not change moves no entry', () => {
  const table = only(boats)
  const before: StoredRow = ['a', 'east', 7, []]
  assert.deepEqual(
    rowWrites(table, undefined, before).flatMap(({ holes }) => holes),
    [],
  )
  const writes = rowWrites(table, before, ['a', 'east', 7, ['ana']])
  assert.deepEqual(
    writes.map(({ space }) => space),
    ['boats'],
  )
  const moved = rowWrites(table, before, ['a', 'west', 7, []])
  assert.deepEqual(
    moved.map(({ space, value }) => [space, value === null]),
    [
      ['boats', false],
      ['boats(home,seq)', true],
      ['boats(home,seq)', false],
    ],
  )
})

test('an index entry names its row', () => {
  const table = only(boats)
  const row: StoredRow = ['a\0b', 'east', 7, []]
  const [index] = table.indexes
  assert.ok(index)
  assert.equal(rowKeyOfEntry(indexKey(index, row, rowKey(table, row))), rowKey(table, row))
})

test('peers of two versions read each other, and keep what they do not know', () => {
  const older = defineTable('boats', { id: text(), name: text() }, { primaryKey: ['id'] })
  const newer = defineTable(
    'boats',
    { id: text(), sail: text('white'), name: text(), keel: integer(3) },
    { primaryKey: ['id'], indexes: [['sail']] },
  )
  const { layout: first } = mergeLayout(older, undefined)
  const merged = mergeLayout(newer, first)
  assert.deepEqual(
    merged.layout.columns.map(({ name }) => name),
    ['id', 'name', 'sail', 'keel'],
  )
  assert.deepEqual(
    merged.newIndexes.map(({ columns }) => columns),
    [['sail']],
  )
  const atOlder = only(older, new Map([['boats', merged.layout]]))
  const atNewer = only(newer, new Map([['boats', merged.layout]]))
  const old = encodeRow(only(older), ['a', 'Ark'], [])
  assert.deepEqual(decodeRow(atNewer, old), ['a', 'Ark', 'white', 3])
  const row = decodeRow(atOlder, encodeRow(atNewer, ['a', 'Ark', 'red', 5], []))
  assert.deepEqual([...atOlder.columnsByName.keys()], ['id', 'name'])
  const changed = [...row]
  changed[1] = 'Bark'
  const [write, ...entries] = rowWrites(atOlder, row, changed)
  assert.deepEqual(decodeRow(atNewer, write?.value ?? ''), ['a', 'Bark', 'red', 5])
  assert.deepEqual(entries, [])
  assert.deepEqual(
    atOlder.indexes.map(({ space }) => space),
    ['boats(sail)'],
  )
})
