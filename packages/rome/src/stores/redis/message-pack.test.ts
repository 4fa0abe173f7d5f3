import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageReader, MessageWriter } from './message-pack.ts'

const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte))

test('strings of every length keep every byte', () => {
  const strings = [0, 1, 31, 32, 255, 256, 65_535, 65_536].map((length) =>
    everyByte.repeat(257).slice(0, length),
  )
  const writer = new MessageWriter()
  for (const each of strings) writer.bytes(each)
  const reader = new MessageReader(writer.finish())
  assert.deepEqual(
    strings.map(() => reader.bytes()),
    strings,
  )
})

test('texts are UTF-8, whatever their characters', () => {
  const writer = new MessageWriter()
  for (const each of ['', 'Motu', 'Ōpūnake 🏝']) writer.text(each)
  const reader = new MessageReader(writer.finish())
  assert.deepEqual([reader.text(), reader.text(), reader.text()], ['', 'Motu', 'Ōpūnake 🏝'])
})

test('whole numbers up to 2^53 keep their value, small ones in one byte', () => {
  const numbers = [0, 127, 128, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
  const writer = new MessageWriter()
  for (const each of numbers) writer.number(each)
  const reader = new MessageReader(writer.finish())
  assert.deepEqual(
    numbers.map(() => reader.number()),
    numbers,
  )
  const small = new MessageWriter()
  small.number(127)
  assert.equal(small.length, 1)
})

test('numbers are read in each form that Lua gives them', () => {
  const forms: readonly (readonly [string, number])[] = [
    ['cc80', 128],
    ['cd0100', 256],
    ['ce00010000', 65_536],
    ['cf0000000100000000', 2 ** 32],
    ['d080', -128],
    ['d1ff00', -256],
    ['d2ffff0000', -65_536],
    ['d3ffffffff00000000', -(2 ** 32)],
    ['ca3f800000', 1],
    ['cb4340000000000000', 2 ** 53],
  ]
  for (const [hex, value] of forms)
    assert.equal(new MessageReader(Buffer.from(hex, 'hex')).number(), value, hex)
})

test('an absent value is false or nil, and an empty table of Lua may be a map', () => {
  for (const hex of ['c2', 'c0']) assert.ok(new MessageReader(Buffer.from(hex, 'hex')).isNone())
  assert.equal(new MessageReader(Buffer.from('a0', 'hex')).isNone(), false)
  for (const hex of ['90', '80']) assert.equal(new MessageReader(Buffer.from(hex, 'hex')).array(), 0)
})

test('a message of the wrong shape is a bug, and told as one', () => {
  const text = Buffer.from('a161', 'hex')
  for (const read of ['number', 'array', 'boolean'] as const)
    assert.throws(() => new MessageReader(text)[read](), { name: 'AssertionFailed' })
  assert.throws(() => new MessageReader(Buffer.from('01', 'hex')).bytes(), { name: 'AssertionFailed' })
})
