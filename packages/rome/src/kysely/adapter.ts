/** What Kysely may use of ROME. */

import { DialectAdapterBase } from 'kysely'

export class RomeAdapter extends DialectAdapterBase {
  override get supportsReturning(): boolean {
    return true
  }

  /** Tables come from `ensureTables`, which is a transaction of its own. */
  override get supportsTransactionalDdl(): boolean {
    return false
  }

  override get supportsMultipleConnections(): boolean {
    return true
  }

  /** Migrations of Kysely do not apply: schemas are derived and only grow. */
  override async acquireMigrationLock(): Promise<void> {}

  override async releaseMigrationLock(): Promise<void> {}
}
