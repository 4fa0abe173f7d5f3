/** Where the records of each project may be stored: what their own records say, kept in memory for the router. */

import type { Clock } from '@atoll/kit'
import { cloudScope, followChangedRecords, type RecordTable, type SiteNames, type State } from '@atoll/state'

const scope = cloudScope('sites of projects')

/** How many projects are read at once. */
const PAGE = 500

export interface ProjectSitesOptions {
  readonly state: State
  readonly clock: Clock
  /** The records of projects, with their column `kept_at`. */
  readonly projects: RecordTable
}

/** May lag a moment behind the store: whatever writes asks the store itself, in its transaction. */
export class ProjectSites {
  readonly #options: ProjectSitesOptions
  readonly #listeners = new Set<() => void>()
  /** Of those projects only that are not kept everywhere. */
  readonly #sites = new Map<string, SiteNames>()

  static async open(options: ProjectSitesOptions): Promise<ProjectSites> {
    const known = new ProjectSites(options)
    const { state, clock, projects: table } = options
    followChangedRecords({ state, table, clock, read: (ids) => known.#read(ids) })
    await known.#load()
    return known
  }

  private constructor(options: ProjectSitesOptions) {
    this.#options = options
  }

  /** Names of the sites that keep this project's records; null for everywhere. */
  sitesOf(projectId: string | null | undefined): SiteNames | null {
    return this.#sites.get(projectId ?? '') ?? null
  }

  /** Ids of the projects that are not kept everywhere. */
  scopedIds(): readonly string[] {
    return [...this.#sites.keys()]
  }

  /** Calls `listener` when projects have changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #load(): Promise<void> {
    for (let after = ''; ; ) {
      const page = await this.#select().where('id', '>', after).orderBy('id').limit(PAGE).execute()
      this.#take(page)
      if (page.length < PAGE) return
      after = String(page.at(-1)?.id)
    }
  }

  async #read(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += PAGE)
      this.#take(
        await this.#select()
          .where('id', 'in', ids.slice(from, from + PAGE))
          .execute(),
      )
    for (const listener of this.#listeners) listener()
  }

  /** Those that are gone too: their last records may still be on their way. */
  #select() {
    const { state, projects } = this.#options
    return state.selectWithTombstones(scope, projects).selectAll()
  }

  #take(rows: readonly object[]): void {
    for (const row of rows) {
      const { id, kept_at } = row as { readonly id: string; readonly kept_at?: SiteNames | null }
      if (kept_at) this.#sites.set(id, kept_at)
      else this.#sites.delete(id)
    }
  }
}
