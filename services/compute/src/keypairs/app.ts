/** Keypairs: a user's public keys, each under a name that is unique for the user, kept where the user is. */

import { X509Certificate } from 'node:crypto'
import type { Row } from '@atoll/rome'
import { projectScope, type Reader, type Scope, type State } from '@atoll/state'
import { Conflict, InvalidKeypair, KeypairNotFound, LimitExceeded } from '../errors.ts'
import { DEFAULT_LIMITS } from '../quotas/limits.ts'
import { keypairs } from '../records.ts'
import { fingerprintOf } from './openssh.ts'

export type KeypairRow = Row<typeof keypairs>
export type KeypairKind = KeypairRow['kind']

export interface NamedKeypair {
  readonly userId: string
  readonly name: string
}

// Whose keys may be looked at was decided by the policy; a query always names the user.
const scopeOf = (userId: string): Scope => projectScope(null, userId)

/** @throws KeypairNotFound */
export async function findKeypair(reader: Reader, named: NamedKeypair): Promise<KeypairRow> {
  const keypair = await reader
    .select(scopeOf(named.userId), keypairs)
    .selectAll()
    .where('user_id', '=', named.userId)
    .where('name', '=', named.name)
    .executeTakeFirst()
  if (!keypair) throw KeypairNotFound(named)
  return keypair
}

/** All keys of a user, by name; at most `DEFAULT_LIMITS.key_pairs` of them. */
export function listKeypairs(reader: Reader, userId: string): Promise<KeypairRow[]> {
  return reader
    .select(scopeOf(userId), keypairs)
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('name')
    .execute()
}

/** @throws InvalidKeypair, Conflict, LimitExceeded */
export async function importKeypair(
  state: State,
  keypair: NamedKeypair & { readonly kind: KeypairKind; readonly publicKey: string },
): Promise<KeypairRow> {
  const { userId, name, kind, publicKey } = keypair
  const fingerprint = kind === 'ssh' ? fingerprintOf(publicKey) : certificateFingerprint(publicKey)
  return state.transaction(async (transaction) => {
    const names = (await listKeypairs(transaction, userId)).map((other) => other.name)
    if (names.includes(name)) throw Conflict({ message: `Key pair '${name}' already exists.` })
    if (names.length >= DEFAULT_LIMITS.key_pairs)
      throw LimitExceeded({ message: 'Quota exceeded, too many key pairs.' })
    return transaction.insert(keypairs, { user_id: userId, name, kind, public_key: publicKey, fingerprint })
  })
}

/** @throws KeypairNotFound */
export async function deleteKeypair(state: State, named: NamedKeypair): Promise<void> {
  await state.transaction(async (transaction) => {
    const keypair = await findKeypair(transaction, named)
    await transaction.remove(keypairs, keypair.id)
  })
}

function certificateFingerprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint.toLowerCase()
  } catch (error) {
    throw InvalidKeypair({ reason: 'failed to generate X509 fingerprint.' }, { cause: error })
  }
}
