/** Every SQL store tells which version of Atoll has written it. */

import { StoreNewer } from '../../errors.ts'
import type { SqlConnection } from './sql-connection.ts'

/** @throws StoreNewer when `known` is not enough to read it */
export async function requireVersion(
  connection: SqlConnection,
  { path, known }: { readonly path: string; readonly known: number },
): Promise<void> {
  const { rows } = await connection.execute({ sql: 'select version from rome_head', parameters: [] })
  const version = Number(rows[0]?.version)
  if (version > known) throw StoreNewer({ path, version, known })
}
