/** Where a record may be written: its own word, else the code in its id; at the heir of a site that is lost for good. */

import type { State } from '@atoll/state'
import type { Directory } from './directory.ts'

/** Name of the home of a record, tombstones included; undefined when nobody that we know can have it. */
export async function homeOf(
  { state, directory }: { state: State; directory: Directory },
  table: string,
  id: string,
): Promise<string | undefined> {
  const home = (await state.homeOf(table, id)) ?? directory.minterOf(id)
  return home === undefined ? undefined : directory.standInFor(home)
}
