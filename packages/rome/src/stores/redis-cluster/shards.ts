/**
 * Into which of the shards a key goes, and under which names they lie. A row and the entries of its indexes go to one shard, by
 * table and primary key: their writes are one script there. The shards lie in slots at equal distances, so that nodes
 * that share the slots evenly share the shards evenly.
 */

import { crc32 } from 'node:zlib'
import type { SpaceKey } from '../key-value/key-value-store.ts'
import { rowOf } from '../key-value/row-of.ts'
import { type DataKeys, dataKeys } from '../redis/store-keys.ts'
import { SLOTS, slotOfTag } from './hash-slot.ts'

export interface ShardKeys extends DataKeys {
  /** Hash: the position that the shard has applied, with tag and epoch of that history. */
  readonly applied: string
}

export function shardOf({ space, key }: SpaceKey, shards: number): number {
  const bracket = space.indexOf('(')
  if (bracket < 0) return crc32(`${space}\0${key}`) % shards
  const row = rowOf(space.slice(0, bracket), key)
  return crc32(`${row.space}\0${row.key}`) % shards
}

export function shardKeys(namespace: string, shards: number): readonly ShardKeys[] {
  return Array.from({ length: shards }, (_, shard) => {
    const tag = tagOfShard(namespace, shard, shards)
    return { applied: `{${tag}}applied`, ...dataKeys(tag) }
  })
}

/** The first of `namespace.shard.0`, `.1`, … whose slot is in the shard's part of all slots. */
function tagOfShard(namespace: string, shard: number, shards: number): string {
  for (let attempt = 0; ; attempt++) {
    const tag = `${namespace}.${shard}.${attempt}`
    if (Math.floor((slotOfTag(tag) * shards) / SLOTS) === shard) return tag
  }
}
