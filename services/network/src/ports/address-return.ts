/**
 * Gives back addresses of ports that have moved away: the address came out of this site's share and is marked as taken
 * here, but whoever deletes the port, or takes an address off it, does that at its new home.
 */

import { type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import {
  cloudScope,
  type Reader,
  releaseNumber,
  type State,
  type StateTransaction,
  takenNumbers,
} from '@atoll/state'
import { formatIpv4 } from '../addressing/ipv4.ts'
import { ports } from '../records.ts'
import type { Port } from './view.ts'

const scope = cloudScope('return of addresses')
const MINUTE_MS = 60_000
const PREFIX = 'addresses:'
/** Ports looked at in one transaction. */
const BATCH = 100

export interface AddressReturnOptions {
  readonly state: State
  readonly clock: Clock
  readonly log: Logger
}

/** Looks at ports as soon as a replica of one changes, and at all holders of addresses at the start. */
export function createAddressReturn({ state, clock, log }: AddressReturnOptions): Service {
  const pending = new Set<string>()
  let hasLookedAtAll = false
  const reconciler = new Reconciler({
    name: 'return of addresses',
    clock,
    log,
    intervalMs: MINUTE_MS,
    pass: async () => {
      if (!hasLookedAtAll) for (const id of await holders(state)) pending.add(id)
      hasLookedAtAll = true
      const ids = [...pending]
      for (let from = 0; from < ids.length; from += BATCH) {
        const batch = ids.slice(from, from + BATCH)
        const away = await portsAway(state, state.site.name, batch)
        if (away.length > 0) await state.transaction((transaction) => returnAddresses(transaction, away))
        for (const id of batch) pending.delete(id)
      }
    },
  })
  return {
    name: reconciler.name,
    run: async (signal) => {
      const stopListening = state.onCommit((changes) => {
        const sizeBefore = pending.size
        for (const { table, id } of changes) if (table === ports.name) pending.add(id)
        if (pending.size > sizeBefore) reconciler.poke()
      })
      try {
        await reconciler.run(signal)
      } finally {
        stopListening()
      }
    },
  }
}

async function holders(state: State): Promise<readonly string[]> {
  const rows = await state
    .local(takenNumbers)
    .select('holder')
    .distinct()
    .where('resource', 'like', `${PREFIX}%`)
    .execute()
  return rows.map(({ holder }) => holder)
}

// A port that is merely unknown here keeps its address: its replica may not have come yet.
function portsAway(reader: Reader, siteName: string, ids: readonly string[]): Promise<readonly Port[]> {
  return reader
    .selectWithTombstones(scope, ports)
    .selectAll()
    .where('id', 'in', ids)
    .where('home', '!=', siteName)
    .execute()
}

async function returnAddresses(transaction: StateTransaction, away: readonly Port[]): Promise<void> {
  // Read again: a port may have come back since.
  const current = await portsAway(
    transaction,
    transaction.site.name,
    away.map(({ id }) => id),
  )
  for (const port of current) {
    const kept = new Set(port.fixed_ips.map(({ subnet_id, ip_address }) => `${subnet_id} ${ip_address}`))
    const taken = await transaction.local(takenNumbers).selectAll().where('holder', '=', port.id).execute()
    for (const { resource, number } of taken) {
      const isKept = kept.has(`${resource.slice(PREFIX.length)} ${formatIpv4(number)}`)
      if (!resource.startsWith(PREFIX) || (isKept && port.deleted_at === null)) continue
      await releaseNumber(transaction, { resource, holder: port.id }, number)
    }
  }
}
