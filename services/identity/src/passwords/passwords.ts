/** Passwords are kept as scrypt hashes (RFC 7914), computed in the thread pool and never more at a time than cores. */

import { type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Limiter, type Random } from '@atoll/kit'
import { formatPhc, memoryBytesOf, readPhc, type ScryptCost } from './phc.ts'

/** Longer ones are refused before they reach a hash, as Keystone does. Bytes of UTF-8. */
export const PASSWORD_BYTES_MAX = 4096

export interface Passwords {
  /** The text to keep for a password: a PHC string with its own salt. @throws TooBusy */
  hash(password: string): Promise<string>
  /**
   * Whether `password` is the one behind `hash`. For null, where there is no user or no password, it takes as
   * long and answers false, so that time tells nobody which users exist. @throws TooBusy
   */
  verify(password: string, hash: string | null): Promise<boolean>
}

export interface PasswordSettings {
  /**
   * Work and memory of one hash: 128 · 2^log2Cost · blockSize bytes, by default 32 MiB, and about 0.1 s of one
   * core. Each step of `log2Cost` doubles both, for us and for whoever has stolen the hashes.
   */
  readonly cost?: Partial<ScryptCost>
  /** How many are computed at a time; memory is this many times that of one. Default: the cores of the machine. */
  readonly concurrencyMax?: number
  /** How many may wait; the next gets 429. The longest wait is about waitingMax / concurrencyMax times one hash. */
  readonly waitingMax?: number
}

const defaultCost: ScryptCost = { log2Cost: 15, blockSize: 8, parallelization: 1 }
const SALT_BYTES = 16
const HASH_BYTES = 32

export function createPasswords({
  random,
  cost,
  concurrencyMax = availableParallelism(),
  waitingMax = 64,
}: PasswordSettings & { readonly random: Random }): Passwords {
  const own = { ...defaultCost, ...cost }
  const limiter = new Limiter({ what: 'password verification', concurrencyMax, waitingMax })
  const nobody = { ...own, salt: Buffer.alloc(SALT_BYTES), hash: undefined }
  return {
    hash: async (password) => {
      const salt = Buffer.from(random.bytes(SALT_BYTES))
      const hash = await limiter.run(() => derive(password, { ...own, salt }))
      return formatPhc({ ...own, salt, hash })
    },
    verify: async (password, kept) => {
      const known = (kept === null ? undefined : readPhc(kept)) ?? nobody
      const derived = await limiter.run(() => derive(password, known))
      return known.hash !== undefined && timingSafeEqual(derived, known.hash)
    },
  }
}

function derive(
  password: string,
  { salt, ...cost }: ScryptCost & { readonly salt: Buffer },
): Promise<Buffer> {
  const options: ScryptOptions = {
    N: 2 ** cost.log2Cost,
    r: cost.blockSize,
    p: cost.parallelization,
    // The bound counts a little more than the formula does.
    maxmem: 2 * memoryBytesOf(cost),
  }
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, derived) =>
      error ? reject(error) : resolve(derived),
    )
  })
}
