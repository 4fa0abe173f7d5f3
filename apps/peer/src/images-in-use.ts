/** Which images the guests of this site's hosts were made from: what must stay as a file while they exist. */

import { servers } from '@atoll/compute'
import { cloudScope, type State } from '@atoll/state'

const scope = cloudScope('images in use')

export async function imagesInUse(state: State, hostNames: readonly string[]): Promise<readonly string[]> {
  const rows = await state
    .select(scope, servers)
    .select('image_id')
    .distinct()
    .where('host', 'in', hostNames)
    .execute()
  return rows.map(({ image_id }) => image_id)
}
