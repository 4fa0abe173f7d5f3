/** What is settled when a store is made, and kept in it, so that all peers agree. */

import { assert, type Random } from '@atoll/kit'
import { StoreMisconfigured, StoreNewer } from '../../errors.ts'
import type { ByteString } from '../key-value/key-value-store.ts'
import type { ScriptRunner } from './script-runner.ts'
import { createScript, permissionsScript } from './scripts/set-up-scripts.ts'
import { pairsOf } from './server-check.ts'

const FORMAT = 1
const EPOCH_BYTES = 4

export interface StoreSettings {
  /** How many replicas must have a commit before it counts. */
  readonly replicas: number
  /** Into how many parts a cluster splits the spaces; 0 on one Redis. */
  readonly shards: number
}

export interface SettledStore extends StoreSettings {
  /** What tells this store from one that was deleted before. */
  readonly epoch: ByteString
}

export interface SettingsRequest {
  readonly runner: ScriptRunner
  /** Its first is the hash of settings; the others must not exist when that does not. */
  readonly keys: readonly string[]
  readonly random: Random
  readonly description: string
  readonly wanted: StoreSettings
}

/**
 * Makes the store when there is none, and answers with its settings.
 * @throws StoreNewer, StoreMisconfigured, ScriptFailed
 */
export async function settle(request: SettingsRequest): Promise<SettledStore> {
  const { runner, keys, random, description, wanted } = request
  const refused = await runner.run({
    script: permissionsScript,
    keys: keys.slice(0, 1),
    args: [],
    replicas: 0,
  })
  if (refused instanceof Buffer)
    throw StoreMisconfigured({
      path: description,
      advice: `its user may not run ${String(refused)} on ${keys[0]}; docs/stores.md has the permissions that are needed.`,
    })
  const epoch = Buffer.from(random.bytes(EPOCH_BYTES))
  const fields = { format: FORMAT, position: 0, number: 0, bytes: 0, replicated: 0, ...wanted }
  const args = [
    ...Object.entries(fields).flatMap(([field, value]) => [field, String(value)]),
    ...['epoch', epoch],
    ...['tag', epoch],
  ]
  const reply = await runner.run({ script: createScript, keys, args, replicas: wanted.replicas })
  if (reply === null)
    throw StoreMisconfigured({
      path: description,
      advice: `${keys[0]} is missing while others of its keys are there: restore a copy, or delete them all to begin anew.`,
    })
  const pairs = pairsOf(reply)
  const format = Number(pairs.get('format'))
  assert(Number.isInteger(format), 'the settings of a store name their format')
  if (format > FORMAT) throw StoreNewer({ path: description, version: format, known: FORMAT })
  return {
    replicas: Number(pairs.get('replicas')),
    shards: Number(pairs.get('shards')),
    epoch: pairs.get('epoch') ?? '',
  }
}
