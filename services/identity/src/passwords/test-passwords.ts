/** Passwords for the simulator and for tests: salted, but cheap and synchronous, so that one seed replays one run. */

import { createHash } from 'node:crypto'
import type { Random } from '@atoll/kit'
import type { Passwords } from './passwords.ts'

/** Never for production: a hash that costs nothing to compute costs nothing to guess. */
export function createTestPasswords({ random }: { readonly random: Random }): Passwords {
  return {
    hash: (password) => Promise.resolve(digest(password, Buffer.from(random.bytes(8)).toString('hex'))),
    verify: (password, kept) => {
      const salt = kept?.split('$')[2]
      return Promise.resolve(salt !== undefined && digest(password, salt) === kept)
    },
  }
}

function digest(password: string, salt: string): string {
  return `$test$${salt}$${createHash('sha256').update(`${salt}:${password}`).digest('base64url')}`
}
