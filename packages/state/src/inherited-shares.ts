/** What becomes of the shares that a lost site held: its heir holds them. */

import type { Reader } from './reader.ts'
import { cloudScope } from './scope.ts'
import {
  type Amounts,
  countSpent,
  grant,
  returnedKey,
  type Share,
  shareOf,
  shares,
  spentAmounts,
} from './shares.ts'
import type { StateTransaction } from './transaction.ts'

const scope = cloudScope('inherited shares')

/**
 * Passes what a lost site held of what is lent here on to its heir, up to `limit` shares; answers how many there were.
 * What the heir does not hold yet becomes its share as it is, so that two sites that take the lender's place at once
 * speak of the same record, and only one of them counts.
 */
export async function passSharesOn(
  transaction: StateTransaction,
  { from, to, limit }: { from: string; to: string; limit: number },
): Promise<number> {
  const own = await transaction
    .select(scope, shares)
    .selectAll()
    .where('home', '=', transaction.site.name)
    .where('borrower', '=', from)
    .execute()
  const held = own.filter(({ amount, ranges }) => amount !== 0 || ranges.length > 0)
  const passed = held.slice(0, limit)
  for (const share of passed) await passOn(transaction, share, to)
  return passed.length
}

async function passOn(transaction: StateTransaction, share: Share, heir: string): Promise<void> {
  const { id, resource, amount, ranges } = share
  const known = await shareOf(transaction, resource, heir)
  if (!known) {
    await transaction.update(shares, id, { borrower: heir, returned: 0 })
    return
  }
  await transaction.update(shares, id, { amount: 0, ranges: [] })
  await grant(transaction, { resource, borrower: heir, amount, ranges })
  if (heir !== transaction.site.name) return
  // It lends to itself from now on: what it gave back and its former lender had not heard of is its own again.
  const { [returnedKey(resource)]: returned = 0 } = await spentAmounts(transaction, [returnedKey(resource)])
  await transaction.update(shares, known.id, { returned })
}

/** What is lent to `borrower` by `lender` of numbered resources, as far as it is known here. */
export async function numbersLent(
  reader: Reader,
  { lender, borrower }: { lender: string; borrower: string },
): Promise<readonly Share[]> {
  const rows = await reader
    .select(scope, shares)
    .selectAll()
    .where('home', '=', lender)
    .where('borrower', '=', borrower)
    .execute()
  return rows.filter(({ ranges }) => ranges.length > 0)
}

/** Counts as spent here what was spent elsewhere by records that have come here: whatever the limit, as it is spent already. */
export async function addSpent(transaction: StateTransaction, amounts: Amounts): Promise<void> {
  const used = await spentAmounts(transaction, Object.keys(amounts))
  const total = Object.entries(amounts).map(([resource, amount]) => [
    resource,
    (used[resource] ?? 0) + amount,
  ])
  await countSpent(transaction, Object.fromEntries(total))
}
