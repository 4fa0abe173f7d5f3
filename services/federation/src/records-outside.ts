/**
 * How many records of a project have their home at sites that it is about to leave. They cannot move, a server least of all,
 * so that somebody has to delete them first.
 */

import { type PeerTransport, PeerUnreachable } from '@atoll/overlay'
import { cloudScope, type RecordTable, type SiteNames, type State } from '@atoll/state'
import { Type } from 'typebox'
import { HomeUnreachable } from './errors.ts'
import { callPeer } from './peer-client.ts'

const scope = cloudScope('records outside their project')

const CountAnswer = Type.Object({ count: Type.Integer({ minimum: 0 }) })

export interface RecordsOutsideOptions {
  readonly state: State
  readonly transport: PeerTransport
  readonly records: readonly RecordTable[]
}

/** From where to where a project goes; null is everywhere. */
export interface Leaving {
  readonly before: SiteNames | null
  readonly after: SiteNames
}

/**
 * Counts them. Where this site
 * has their replicas it counts those, else it asks the sites themselves. @throws HomeUnreachable for one that does not answer
 */
export async function countOutside(
  options: RecordsOutsideOptions,
  projectId: string,
  { before, after }: Leaving,
): Promise<number> {
  const { state, transport } = options
  const hasAllReplicas = before === null || before.includes(state.site.name)
  if (hasAllReplicas) return countHere(options, projectId, (home) => !after.includes(home))
  let total = await countHere(options, projectId, (home) => home === state.site.name && !after.includes(home))
  for (const site of before.filter((name) => !after.includes(name))) {
    try {
      const { count } = await callPeer(transport, {
        site,
        method: 'POST',
        path: '/peer/v1/projects/records',
        body: { project: projectId },
        answer: CountAnswer,
        workMs: 2000,
      })
      total += count
    } catch (error) {
      if (!PeerUnreachable.is(error)) throw error
      throw HomeUnreachable({ site, mayHaveBeenDone: false }, { cause: error })
    }
  }
  return total
}

/** Live records of a project that are known here and whose home is one of those. */
export async function countHere(
  { state, records }: Pick<RecordsOutsideOptions, 'state' | 'records'>,
  projectId: string,
  isCounted: (home: string) => boolean,
): Promise<number> {
  let total = 0
  for (const table of records) {
    if (table.isEverywhere) continue
    const rows = await state
      .select(scope, table)
      .select(({ fn }) => ['home' as const, fn.countAll<number>().as('count')])
      .where('project_id', '=', projectId)
      .groupBy('home')
      .execute()
    for (const { home, count } of rows) if (isCounted(String(home))) total += Number(count)
  }
  return total
}
