/** Key pairs: what a server lets its owner in with. */

import type { Connection } from '../connection.ts'

export async function importKeypair(
  connection: Connection,
  { name, publicKey }: { readonly name: string; readonly publicKey: string },
): Promise<{ name: string; fingerprint: string }> {
  const body = { keypair: { name, public_key: publicKey } }
  return (
    await connection.post<{ keypair: { name: string; fingerprint: string } }>(
      'compute',
      '/v2.1/os-keypairs',
      body,
    )
  ).keypair
}
