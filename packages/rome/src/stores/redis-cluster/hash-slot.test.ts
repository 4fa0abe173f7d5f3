import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slotOf, slotOfTag } from './hash-slot.ts'
import { shardKeys, shardOf } from './shards.ts'

test('slots are those that the specification of Redis Cluster gives', () => {
  assert.equal(slotOfTag('123456789'), 0x31c3)
  assert.equal(slotOf('before{user1000}after'), slotOfTag('user1000'))
})

test('the keys of a shard lie in one slot, and the shards at equal distances', () => {
  for (const shards of [1, 3, 7, 16, 256]) {
    const slots = shardKeys('rome', shards).map((keys) => new Set(Object.values(keys).map(slotOf)))
    for (const [shard, own] of slots.entries()) {
      assert.equal(own.size, 1)
      const [slot = -1] = own
      assert.equal(Math.floor((slot * shards) / 16_384), shard)
    }
  }
})

test('the entries of an index lie in the shard of their row', () => {
  const row = 'some row'
  const key = `\x02home\x00${row}\x00${String.fromCharCode(row.length)}`
  for (const shards of [2, 3, 64])
    assert.equal(shardOf({ space: 't(a,b)', key }, shards), shardOf({ space: 't', key: row }, shards))
})
