/** PHC strings of scrypt: `$scrypt$ln=15,r=8,p=1$salt$hash` (https://github.com/P-H-C/phc-string-format). */

export interface ScryptCost {
  /** Binary logarithm of N. */
  readonly log2Cost: number
  /** r. */
  readonly blockSize: number
  /** p. */
  readonly parallelization: number
}

export interface ScryptHash extends ScryptCost {
  readonly salt: Buffer
  /** 32 bytes. */
  readonly hash: Buffer
}

/** A hash from another site must not make this one allocate without bound. */
const MEMORY_BYTES_MAX = 256 * 1024 * 1024
const PARALLELIZATION_MAX = 4

/** RFC 7914 §2: what one derivation needs. */
export function memoryBytesOf({ log2Cost, blockSize, parallelization }: ScryptCost): number {
  return 128 * blockSize * (2 ** log2Cost + parallelization)
}

export function formatPhc({ log2Cost, blockSize, parallelization, salt, hash }: ScryptHash): string {
  const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  return `$scrypt$ln=${log2Cost},r=${blockSize},p=${parallelization}$${encode(salt)}$${encode(hash)}`
}

/** Undefined for anything that is no such string or asks for too much; nobody can log in with it. */
export function readPhc(text: string): ScryptHash | undefined {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d)\$([A-Za-z0-9+/]{1,86})\$([A-Za-z0-9+/]{43})$/.exec(text)
  if (!match) return undefined
  const [, log2Cost, blockSize, parallelization, salt = '', hash = ''] = match
  const cost = {
    log2Cost: Number(log2Cost),
    blockSize: Number(blockSize),
    parallelization: Number(parallelization),
  }
  const isPossible = cost.log2Cost >= 1 && cost.blockSize >= 1 && cost.parallelization >= 1
  if (!isPossible || cost.parallelization > PARALLELIZATION_MAX) return undefined
  if (memoryBytesOf(cost) > MEMORY_BYTES_MAX) return undefined
  return { ...cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}
