/**
 * Shares: a limited sum (quota) or a limited set of numbers (addresses, VNIs) is split between sites, and each
 * spends its own part alone. Never over the limit, even in a partition: what is lent is taken from the lender's
 * own share in the same transaction (escrow; O'Neil, TODS 11(4), 1986).
 *
 * A `resource` is named `<what>:<id of the record that limits it>`, so that anybody knows whose home keeps it.
 */

import { integer, json, type Row, text } from '@atoll/rome'
import { defineRecord } from './define-record.ts'
import { ShareExhausted, WholeTooSmall } from './errors.ts'
import type { Reader } from './reader.ts'
import { cloudScope } from './scope.ts'
import { takenNumbers, usages } from './tables.ts'
import type { StateTransaction } from './transaction.ts'

/** Numbers from `from` up to, not including, `to`. */
export type NumberRange = readonly [from: number, to: number]

/** One site's part of one resource. Its home is the lender, the only one who changes it. */
export const shares = defineRecord(
  'shares',
  {
    resource: text(),
    /** Name of the site that may spend this. */
    borrower: text(),
    /** Of a counted resource: how much; -1 is unlimited. */
    amount: integer(),
    /** Of a numbered resource: which. Sorted, disjoint. */
    ranges: json<readonly NumberRange[]>([]),
    /** How much of a counted resource the borrower has ever given back, as far as the lender has taken it into account. */
    returned: integer(),
  },
  { unique: [['resource', 'borrower']], isEverywhere: true },
)

export type Share = Row<typeof shares>

const scope = cloudScope('shares')

/** Founds a resource: all of it is this site's own share. @throws UniqueViolation when it exists */
export async function foundShare(
  transaction: StateTransaction,
  resource: string,
  whole: Whole,
): Promise<void> {
  const { amount = 0, ranges = [] } = whole
  await transaction.insert(shares, { resource, borrower: transaction.site.name, amount, ranges, returned: 0 })
}

/** All of a resource: how much, or which numbers. */
export interface Whole {
  readonly amount?: number
  readonly ranges?: readonly NumberRange[]
}

/**
 * Brings a resource into being when it is first used, given the id after its colon. Answers undefined when that
 * is not for this site to do, because another one keeps the record that limits it.
 */
export type Founder = (transaction: StateTransaction, id: string) => Promise<Whole | undefined>

/** The part of `resource` that this site may spend, or undefined when it was lent nothing. */
export async function heldShare(transaction: StateTransaction, resource: string): Promise<Share | undefined> {
  const held = await shareOf(transaction, resource, transaction.site.name)
  if (held) return held
  const [what = '', ...id] = resource.split(':')
  const whole = await transaction.founders[what]?.(transaction, id.join(':'))
  if (!whole || (await isFounded(transaction, resource))) return undefined
  await foundShare(transaction, resource, whole)
  return shareOf(transaction, resource, transaction.site.name)
}

// By the site that kept what limits it, before that was lost and came here: its shares are about to follow.
async function isFounded(transaction: StateTransaction, resource: string): Promise<boolean> {
  const any = await transaction
    .select(scope, shares)
    .select('id')
    .where('resource', '=', resource)
    .executeTakeFirst()
  return any !== undefined
}

/** One site's part of a resource, whoever is its lender. */
export async function shareOf(
  transaction: StateTransaction,
  resource: string,
  borrower: string,
): Promise<Share | undefined> {
  return transaction
    .select(scope, shares)
    .selectAll()
    .where('resource', '=', resource)
    .where('borrower', '=', borrower)
    .executeTakeFirst()
}

/** Removes every share of a resource of which this site is the lender, its own included. */
export async function dissolveShares(transaction: StateTransaction, resource: string): Promise<void> {
  const lent = await transaction
    .select(scope, shares)
    .select('id')
    .where('resource', '=', resource)
    .where('home', '=', transaction.site.name)
    .execute()
  for (const { id } of lent) await transaction.remove(shares, id)
}

/** How much of a counted resource this site has spent. */
export async function spentAmount(transaction: StateTransaction, resource: string): Promise<number> {
  const row = await transaction
    .local(usages)
    .select('used')
    .where('resource', '=', resource)
    .executeTakeFirst()
  return row?.used ?? 0
}

/** How much of each resource, by its name. */
export type Amounts = Readonly<Record<string, number>>

/**
 * Spends of several counted resources, all or nothing, in three queries however many there are.
 * @throws ShareExhausted for the first that is used up
 */
export async function spendAll(transaction: StateTransaction, amounts: Amounts): Promise<void> {
  const resources = Object.keys(amounts)
  const held = await heldShares(transaction, resources)
  const used = await spentAmounts(transaction, [...resources, ...resources.map(returnedKey)])
  const spent = resources.map((resource) => {
    const amount = spendable(held.get(resource), used[returnedKey(resource)])
    const needed = amounts[resource] ?? 0
    const total = (used[resource] ?? 0) + needed
    if (amount !== -1 && total > amount) throw ShareExhausted({ resource, needed })
    return { resource, used: total }
  })
  await setAllUsed(transaction, spent)
}

/** Gives back what `spendAll` took. */
export async function refundAll(transaction: StateTransaction, amounts: Amounts): Promise<void> {
  const used = await spentAmounts(transaction, Object.keys(amounts))
  const left = Object.entries(amounts).map(([resource, amount]) => ({
    resource,
    used: Math.max(0, (used[resource] ?? 0) - amount),
  }))
  await setAllUsed(transaction, left)
}

/** How much of each of these counted resources this site has spent. */
export async function spentAmounts(reader: Reader, resources: readonly string[]): Promise<Amounts> {
  const rows = await reader.local(usages).selectAll().where('resource', 'in', resources).execute()
  return Object.fromEntries(rows.map(({ resource, used }) => [resource, used]))
}

async function heldShares(
  transaction: StateTransaction,
  resources: readonly string[],
): Promise<ReadonlyMap<string, Share>> {
  const rows = await transaction
    .select(scope, shares)
    .selectAll()
    .where('resource', 'in', resources)
    .where('borrower', '=', transaction.site.name)
    .execute()
  const held = new Map(rows.map((share) => [share.resource, share]))
  for (const resource of resources) {
    const founded = held.has(resource) ? undefined : await heldShare(transaction, resource)
    if (founded) held.set(resource, founded)
  }
  return held
}

/**
 * Changes the whole of a counted resource that this site founded; what it has lent stays lent. Does nothing when
 * the resource was never used: its founder will find the new amount. Forced, a whole below what is spent keeps
 * everyone from spending more. @throws WholeTooSmall unless forced
 */
export async function changeWhole(
  transaction: StateTransaction,
  { resource, amount, isForced = false }: { resource: string; amount: number; isForced?: boolean },
): Promise<void> {
  const rows = await transaction
    .select(scope, shares)
    .selectAll()
    .where('resource', '=', resource)
    .where('home', '=', transaction.site.name)
    .execute()
  const own = rows.find(({ borrower }) => borrower === transaction.site.name)
  if (!own) return
  const borrowed = rows.filter((share) => share !== own)
  const lent = borrowed.reduce((sum, share) => sum + Math.max(0, share.amount), 0)
  const minimum = lent + (await spentAmount(transaction, resource))
  const isUnlimited = amount === -1
  if (!isUnlimited && !isForced && amount < minimum) throw WholeTooSmall({ resource, amount, minimum })
  await transaction.update(shares, own.id, { amount: isUnlimited ? -1 : Math.max(0, amount - lent) })
  // Nobody knows how much of an unlimited share was spent; without its limit the borrower starts anew by borrowing.
  const unbounded = isUnlimited ? [] : borrowed.filter((share) => share.amount === -1)
  for (const share of unbounded) await transaction.update(shares, share.id, { amount: 0 })
}

/** Spends `amount` of a counted resource. @throws ShareExhausted */
export async function spend(transaction: StateTransaction, resource: string, amount: number): Promise<void> {
  await spendAll(transaction, { [resource]: amount })
}

export interface AmountLoan {
  readonly resource: string
  readonly borrower: string
  readonly wanted: number
  /** Nobody needs it yet: the lender keeps at least as much as it gives, since it may be cut off as well. */
  readonly isInAdvance?: boolean
}

/**
 * Lends up to `wanted` of a counted resource to `borrower`: about half of what is free, so that the lender goes on working
 * too. Answers with the borrower's share after that. @throws ShareExhausted when nothing is free
 */
export async function lendAmount(
  transaction: StateTransaction,
  { resource, borrower, wanted, isInAdvance = false }: AmountLoan,
): Promise<Share> {
  const own = await heldShare(transaction, resource)
  const free = (own?.amount ?? 0) - (await spentAmount(transaction, resource))
  const lent = Math.min(wanted, isInAdvance ? Math.floor(free / 2) : Math.ceil(free / 2))
  if (own?.amount === -1) return grant(transaction, { resource, borrower, amount: -1, ranges: [] })
  if (!own || lent < 1) throw ShareExhausted({ resource, needed: wanted })
  await transaction.update(shares, own.id, { amount: own.amount - lent })
  return grant(transaction, { resource, borrower, amount: lent, ranges: [] })
}

/**
 * Gives back up to `wanted` of what this site has borrowed of a counted resource and does not use. Answers with all
 * that it has ever given back: a number that only rises, so that the lender may hear it late, twice, or not at all
 * before the next time. From this commit on the site spends as if its share had shrunk already.
 */
export async function giveBack(
  transaction: StateTransaction,
  { resource, lender, wanted }: { resource: string; lender: string; wanted: number },
): Promise<number> {
  const share = await shareOf(transaction, resource, transaction.site.name)
  const used = await spentAmounts(transaction, [resource, returnedKey(resource)])
  const returned = used[returnedKey(resource)] ?? 0
  if (share?.home !== lender || lender === transaction.site.name || share.amount === -1) return returned
  const free = spendable(share, returned) - (used[resource] ?? 0)
  const total = returned + Math.max(0, Math.min(wanted, free))
  await setUsed(transaction, returnedKey(resource), total)
  return total
}

/** Takes into account what a borrower has given back in all; answers how much of that is new. See `giveBack`. */
export async function takeBack(
  transaction: StateTransaction,
  { resource, borrower, returned }: { resource: string; borrower: string; returned: number },
): Promise<number> {
  const [own, share] = [
    await shareOf(transaction, resource, transaction.site.name),
    await shareOf(transaction, resource, borrower),
  ]
  if (!own || !share || own.amount === -1 || share.amount === -1) return 0
  const news = Math.min(returned - share.returned, share.amount)
  if (news <= 0) return 0
  await transaction.update(shares, share.id, { amount: share.amount - news, returned: share.returned + news })
  await transaction.update(shares, own.id, { amount: own.amount + news })
  return news
}

/** Where a site counts, among its usages, what it has given back. */
export const returnedKey = (resource: string) => `returned:${resource}`

/** Resources of one look: a site wants some of every project's quota. */
const LOOK_MAX = 200

/**
 * How much of each resource `site`, this one, may spend without asking anybody; infinitely much where there is no limit, and of
 * a numbered one of which it was ever lent some. What it was never lent is not in the answer.
 */
export async function amountsAtHand(
  reader: Reader,
  { site, resources }: { site: string; resources: readonly string[] },
): Promise<ReadonlyMap<string, number>> {
  const atHand = new Map<string, number>()
  for (let from = 0; from < resources.length; from += LOOK_MAX) {
    const looked = resources.slice(from, from + LOOK_MAX)
    const query = reader.select(scope, shares).selectAll().where('resource', 'in', looked)
    const held = await query.where('borrower', '=', site).execute()
    const used = await spentAmounts(reader, [...looked, ...looked.map(returnedKey)])
    for (const share of held) {
      const { resource, amount, ranges } = share
      const isUnlimited = amount === -1 || ranges.length > 0
      const free = spendable(share, used[returnedKey(resource)]) - (used[resource] ?? 0)
      atHand.set(resource, isUnlimited ? Number.POSITIVE_INFINITY : Math.max(0, free))
    }
  }
  return atHand
}

// What was given back and is not yet taken off the share must not be spent; -1 stays unlimited.
function spendable(share: Share | undefined, returned = 0): number {
  if (!share || share.amount === -1) return share?.amount ?? 0
  return share.amount - Math.max(0, returned - share.returned)
}

/** Lends free numbers of a numbered resource, from the end of the lender's last range. See `lendAmount`. */
export async function lendNumbers(
  transaction: StateTransaction,
  { resource, borrower, wanted }: { resource: string; borrower: string; wanted: number },
): Promise<Share> {
  const own = await heldShare(transaction, resource)
  const last = own?.ranges.at(-1)
  if (!own || !last) throw ShareExhausted({ resource, needed: wanted })
  const [from, to] = last
  const highestTaken = await transaction
    .local(takenNumbers)
    .select('number')
    .where('resource', '=', resource)
    .where('number', '>=', from)
    .where('number', '<', to)
    .orderBy('number', 'desc')
    .executeTakeFirst()
  const free = to - ((highestTaken?.number ?? from - 1) + 1)
  // Numbers do not come back as long as their borrower has them, so that a small subnet is lent in small parts.
  const lent = Math.min(wanted, free, Math.max(1, Math.floor(free / 8)))
  if (lent < 1) throw ShareExhausted({ resource, needed: wanted })
  const kept: NumberRange[] = to - lent > from ? [[from, to - lent]] : []
  await transaction.update(shares, own.id, { ranges: [...own.ranges.slice(0, -1), ...kept] })
  return grant(transaction, { resource, borrower, amount: 0, ranges: [[to - lent, to]] })
}

/** Adds a gift to a share of which this site is the lender; it comes into being by its first. */
export async function grant(
  transaction: StateTransaction,
  gift: { resource: string; borrower: string; amount: number; ranges: readonly NumberRange[] },
): Promise<Share> {
  const current = await shareOf(transaction, gift.resource, gift.borrower)
  if (!current) return transaction.insert(shares, { ...gift, returned: 0 })
  return transaction.update(shares, current.id, {
    amount: gift.amount === -1 || current.amount === -1 ? -1 : current.amount + gift.amount,
    ranges: mergeRanges([...current.ranges, ...gift.ranges]),
  })
}

/** Sorts and joins ranges that touch. */
export function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: [number, number][] = []
  for (const [from, to] of [...ranges].sort((left, right) => left[0] - right[0])) {
    const last = merged.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else merged.push([from, to])
  }
  return merged
}

async function setUsed(transaction: StateTransaction, resource: string, used: number): Promise<void> {
  await setAllUsed(transaction, [{ resource, used }])
}

/** Says how much of counted resources is spent here, whatever was counted before: by whoever has just counted. */
export async function countSpent(transaction: StateTransaction, amounts: Amounts): Promise<void> {
  await setAllUsed(
    transaction,
    Object.entries(amounts).map(([resource, used]) => ({ resource, used })),
  )
}

async function setAllUsed(
  transaction: StateTransaction,
  rows: readonly { resource: string; used: number }[],
): Promise<void> {
  if (rows.length === 0) return
  await transaction.queries
    .insertInto(usages.name)
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('resource').doUpdateSet((query) => ({ used: query.ref('excluded.used') })),
    )
    .execute()
}
