/** Taking and giving back numbers of this site's share: addresses of a subnet, VNIs of the cloud. */

import { ShareExhausted } from './errors.ts'
import { dissolveShares, heldShare, type NumberRange } from './shares.ts'
import { takenNumbers, usages } from './tables.ts'
import type { StateTransaction } from './transaction.ts'

/** How many neighbours are looked at in one query for a gap; one query is enough unless the range is crowded. */
const LOOKED_AT = 64

export interface Taken {
  readonly resource: string
  /** Id of the record that holds the number; `releaseNumbers` gives all of it back. */
  readonly holder: string
}

/**
 * Takes the next free number of this site's share (next fit, so that a number given back rests a while).
 * @throws ShareExhausted
 */
export async function takeNumber(
  transaction: StateTransaction,
  { resource, holder }: Taken,
): Promise<number> {
  const ranges = (await heldShare(transaction, resource))?.ranges ?? []
  const hint = await readHint(transaction, resource)
  const fromHint = ranges.flatMap(([from, to]): NumberRange[] =>
    to > hint ? [[Math.max(from, hint), to]] : [],
  )
  for (const range of [...fromHint, ...ranges]) {
    const number = await firstFree(transaction, resource, range)
    if (number === undefined) continue
    await take(transaction, { resource, holder }, number)
    await writeHint(transaction, resource, number + 1)
    return number
  }
  throw ShareExhausted({ resource, needed: 1 })
}

/** Takes this very number. Answers false when somebody has it. @throws ShareExhausted when it is not in this site's share */
export async function takeThisNumber(
  transaction: StateTransaction,
  { resource, holder }: Taken,
  number: number,
): Promise<boolean> {
  const ranges = (await heldShare(transaction, resource))?.ranges ?? []
  if (!ranges.some(([from, to]) => number >= from && number < to))
    throw ShareExhausted({ resource, needed: 1 })
  if (await isTaken(transaction, resource, number)) return false
  await take(transaction, { resource, holder }, number)
  return true
}

/** Takes a number outside every range (a gateway's address), which no share can hold. Answers false when somebody has it. */
export async function takeReservedNumber(
  transaction: StateTransaction,
  { resource, holder }: Taken,
  number: number,
): Promise<boolean> {
  if (await isTaken(transaction, resource, number)) return false
  await take(transaction, { resource, holder }, number)
  return true
}

/**
 * Notes numbers as taken that were taken at another site, since this one inherits its share. What is noted already stays. Callers
 * bound their number.
 */
export async function noteTaken(
  transaction: StateTransaction,
  resource: string,
  numbers: readonly { readonly number: number; readonly holder: string }[],
): Promise<void> {
  for (const { number, holder } of numbers) {
    if (!(await isTaken(transaction, resource, number))) await take(transaction, { resource, holder }, number)
  }
}

/** Gives back every number that `holder` has. */
export async function releaseNumbers(transaction: StateTransaction, holder: string): Promise<void> {
  await transaction.queries.deleteFrom(takenNumbers.name).where('holder', '=', holder).execute()
}

/** Gives back one number that `holder` has; another's number stays. */
export async function releaseNumber(
  transaction: StateTransaction,
  { resource, holder }: Taken,
  number: number,
): Promise<void> {
  await transaction.queries
    .deleteFrom(takenNumbers.name)
    .where('resource', '=', resource)
    .where('number', '=', number)
    .where('holder', '=', holder)
    .execute()
}

/** Ends a resource whose record goes: its shares that this site keeps, and whatever is taken of them here. */
export async function endNumbers(transaction: StateTransaction, resource: string): Promise<void> {
  await dissolveShares(transaction, resource)
  await transaction.queries.deleteFrom(takenNumbers.name).where('resource', '=', resource).execute()
  await transaction.queries.deleteFrom(usages.name).where('resource', '=', hintKey(resource)).execute()
}

async function isTaken(transaction: StateTransaction, resource: string, number: number): Promise<boolean> {
  const row = await transaction
    .local(takenNumbers)
    .select('holder')
    .where('resource', '=', resource)
    .where('number', '=', number)
    .executeTakeFirst()
  return row !== undefined
}

async function firstFree(
  transaction: StateTransaction,
  resource: string,
  [from, to]: NumberRange,
): Promise<number | undefined> {
  for (let candidate = from; candidate < to; ) {
    const taken = await transaction
      .local(takenNumbers)
      .select('number')
      .where('resource', '=', resource)
      .where('number', '>=', candidate)
      .where('number', '<', to)
      .orderBy('number')
      .limit(LOOKED_AT)
      .execute()
    for (const { number } of taken) {
      if (number > candidate) return candidate
      candidate = number + 1
    }
    if (taken.length < LOOKED_AT) return candidate < to ? candidate : undefined
  }
  return undefined
}

async function take(
  transaction: StateTransaction,
  { resource, holder }: Taken,
  number: number,
): Promise<void> {
  await transaction.queries.insertInto(takenNumbers.name).values({ resource, number, holder }).execute()
}

const hintKey = (resource: string) => `next:${resource}`

async function readHint(transaction: StateTransaction, resource: string): Promise<number> {
  const row = await transaction
    .local(usages)
    .select('used')
    .where('resource', '=', hintKey(resource))
    .executeTakeFirst()
  return row?.used ?? 0
}

async function writeHint(transaction: StateTransaction, resource: string, next: number): Promise<void> {
  await transaction.queries
    .insertInto(usages.name)
    .values({ resource: hintKey(resource), used: next })
    .onConflict((conflict) => conflict.column('resource').doUpdateSet({ used: next }))
    .execute()
}
