/**
 * Carries out what projects say of where their records may be stored: when that changes, the records whose home is this site
 * are written again, so that the feed brings them to sites that may now have them and takes them from those that no longer
 * may. In small transactions; a pass that was cut short is begun again, and finds done what is done.
 */

import { type Clock, type Logger, Reconciler, type Service } from '@atoll/kit'
import { cloudScope, type RecordTable, type State } from '@atoll/state'
import type { ProjectSites } from './project-sites.ts'
import { carriedProjects } from './tables.ts'

const scope = cloudScope('keeper of site scopes')

/** Records of one transaction: it holds up the others of this site for no longer than a request does. */
const BATCH = 50
/** How many projects are looked at in one query. */
const PROJECTS_AT_ONCE = 100

export interface ScopeKeeperOptions {
  readonly state: State
  readonly projectSites: Pick<ProjectSites, 'scopedIds'>
  readonly projects: RecordTable
  /** Every record table of the composition. */
  readonly records: readonly RecordTable[]
  readonly log: Logger
}

export class ScopeKeeper {
  readonly #options: ScopeKeeperOptions

  constructor(options: ScopeKeeperOptions) {
    this.#options = options
  }

  /** One pass over the projects that are, or once were, kept at some sites only. */
  async pass(signal: AbortSignal): Promise<void> {
    const { state, projectSites } = this.#options
    const rows = await state.local(carriedProjects).selectAll().execute()
    const carried = new Map(rows.map(({ project_id, version }) => [project_id, version]))
    const ids = [...new Set([...projectSites.scopedIds(), ...carried.keys()])]
    for (let from = 0; from < ids.length; from += PROJECTS_AT_ONCE) {
      const versions = await this.#versionsOf(ids.slice(from, from + PROJECTS_AT_ONCE))
      for (const [id, version] of versions) {
        if (signal.aborted) return
        if (carried.get(id) !== version) await this.#carryOut(id, version, signal)
      }
    }
  }

  async #versionsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { state, projects } = this.#options
    const rows = await state
      .selectWithTombstones(scope, projects)
      .select(['id', 'home', 'generation', 'seq'])
      .where('id', 'in', ids)
      .execute()
    return new Map(
      rows.map(({ id, home, generation, seq }) => [String(id), [home, generation, seq].join(':')]),
    )
  }

  async #carryOut(projectId: string, version: string, signal: AbortSignal): Promise<void> {
    const { state, records, log } = this.#options
    let count = 0
    for (const table of records)
      if (!table.isEverywhere) count += await this.#rewrite(table, projectId, signal)
    if (signal.aborted) return
    // The version is that from before the records were looked at: a change meanwhile is another version.
    await state.transaction(async ({ queries }) => {
      await queries
        .insertInto(carriedProjects.name)
        .values({ project_id: projectId, version })
        .onConflict((conflict) => conflict.column('project_id').doUpdateSet({ version }))
        .execute()
    })
    if (count > 0) log.info({ projectId, count }, 'records were brought to where their project is kept')
  }

  async #rewrite(table: RecordTable, projectId: string, signal: AbortSignal): Promise<number> {
    const { state } = this.#options
    let count = 0
    for (let after = ''; !signal.aborted; ) {
      const page = await state
        .selectWithTombstones(scope, table)
        .select('id')
        .where('project_id', '=', projectId)
        .where('home', '=', state.site.name)
        .where('id', '>', after)
        .orderBy('id')
        .limit(BATCH)
        .execute()
      const ids = page.map(({ id }) => String(id))
      if (ids.length > 0)
        count += await state.transaction(async (transaction) => {
          let written = 0
          for (const id of ids) if (await transaction.rescope(table, id)) written++
          return written
        })
      if (ids.length < BATCH) break
      after = ids.at(-1) ?? ''
    }
    return count
  }
}

export interface ScopeKeeperServiceOptions extends Omit<ScopeKeeperOptions, 'projectSites'> {
  readonly projectSites: Pick<ProjectSites, 'scopedIds' | 'onChange'>
  readonly clock: Clock
  /** Whether it is for this peer to do it. */
  readonly isDue: () => boolean
}

/** What was cut short, or fell to another steward meanwhile, is found again after this pause at the latest. */
const INTERVAL_MS = 30_000

export function createScopeKeeper(options: ScopeKeeperServiceOptions): Service {
  const { projectSites, clock, log, isDue } = options
  const keeper = new ScopeKeeper(options)
  const reconciler = new Reconciler({
    name: 'keeper of site scopes',
    clock,
    log,
    intervalMs: INTERVAL_MS,
    pass: async (signal) => {
      if (isDue()) await keeper.pass(signal)
    },
  })
  return {
    name: reconciler.name,
    run: async (signal) => {
      const stop = projectSites.onChange(() => reconciler.poke())
      await reconciler.run(signal)
      stop()
    },
  }
}
