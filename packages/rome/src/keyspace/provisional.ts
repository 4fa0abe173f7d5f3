/** Numbers of commits that are not known yet: what stands for them while a transaction runs. */

import type { CatalogueColumn } from '../schema/catalogue.ts'
import type { Value } from '../values/value.ts'

/**
 * The n-th number of a commit group is `PROVISIONAL_FROM + n` until the store has given it: above every number that was
 * given, in the order in which they will be, and exact in a double.
 */
export const PROVISIONAL_FROM = 2 ** 52

/** Whether a number of a commit was read inside its transaction, where a store that numbers late has not given it yet. */
export function isProvisional(number: number): boolean {
  return number >= PROVISIONAL_FROM
}

/** Bytes of a number in a key, after the byte that says that it is one. */
export const KEY_HOLE_BYTES = 8
/** Characters of a number in a value: as many as 2^52 has digits. */
export const VALUE_HOLE_CHARACTERS = 16

/** Which number of its commit `value` stands for, or -1 when it is a plain value. */
export function provisionalNumber(column: CatalogueColumn, value: Value | undefined): number {
  if (!column.isNumbered || typeof value !== 'number' || value < PROVISIONAL_FROM) return -1
  return value - PROVISIONAL_FROM
}
