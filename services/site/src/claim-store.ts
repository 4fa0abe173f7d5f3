/** A shared store is one site's: another site that opened it by mistake would write into that one's records. */

import type { State } from '@atoll/state'
import { StoreOfAnotherSite } from './errors.ts'
import { storeSite } from './tables.ts'

const NAME = 'site'

/** Marks a new store as this site's. To be called before anything else is written. @throws StoreOfAnotherSite */
export async function claimStore(state: State, cloud: string): Promise<void> {
  const site = state.site.name
  await state.transaction(async (transaction) => {
    const row = await transaction.local(storeSite).selectAll().where('name', '=', NAME).executeTakeFirst()
    if (row && (row.cloud !== cloud || row.site !== site))
      throw StoreOfAnotherSite({ cloud: row.cloud, site: row.site })
    if (!row)
      await transaction.queries.insertInto(storeSite.name).values({ name: NAME, cloud, site }).execute()
  })
}
