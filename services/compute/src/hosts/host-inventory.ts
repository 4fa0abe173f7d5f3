/**
 * The hosts as this peer knows them, in memory, so that choosing one reads nothing. What is here is a hint: it may
 * be a moment old, and whoever claims a host reads its record again in the transaction that claims.
 */

import { Refresher } from '@atoll/kit'
import { isProvisional, type Row } from '@atoll/rome'
import type { HostSnapshot } from '@atoll/scheduler'
import { type Change, cloudScope, type State } from '@atoll/state'
import type { ComputeDependencies } from '../dependencies.ts'
import { hosts } from '../records.ts'

export type HostRow = Row<typeof hosts>

const scope = cloudScope('host inventory')

export class HostInventory {
  readonly #state: State
  readonly #isHere: ComputeDependencies['isHere']
  /** See `ComputeDependencies.isServed`: changes without a commit, so it is asked for each choice. */
  readonly isServed: (hostName: string) => boolean
  readonly #rows = new Map<string, HostRow>()
  readonly #changedIds = new Set<string>()
  #placeable: HostSnapshot[] | undefined
  readonly #positions = new Map<string, number>()
  #loading: Promise<void> | undefined
  readonly #refresher: Refresher

  constructor({
    state,
    isHere,
    clock,
    isServed = () => true,
  }: Pick<ComputeDependencies, 'state' | 'isHere' | 'clock' | 'isServed'>) {
    this.isServed = isServed
    this.#state = state
    this.#isHere = isHere
    this.#refresher = new Refresher({ clock, refresh: () => this.#refresh() })
  }

  /** Loads all hosts once and follows their changes from then on. To be awaited before anything is asked. */
  ready(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** The hosts that may get servers from this site. Valid until the next `await`. */
  get placeable(): readonly HostSnapshot[] {
    if (this.#placeable) return this.#placeable
    this.#placeable = [...this.#rows.values()].filter(this.#isHere).map(snapshotOf)
    this.#positions.clear()
    for (const [position, { id }] of this.#placeable.entries()) this.#positions.set(id, position)
    return this.#placeable
  }

  /** All hosts of the cloud. */
  all(): readonly HostRow[] {
    return [...this.#rows.values()]
  }

  hasZone(name: string): boolean {
    for (const { availability_zone } of this.#rows.values()) if (availability_zone === name) return true
    return false
  }

  findByName(name: string): HostRow | undefined {
    for (const row of this.#rows.values()) if (row.name === name) return row
    return undefined
  }

  /** Takes the state of a host that a transaction read or wrote, committed or not. */
  observe(row: HostRow): void {
    const position = this.#positions.get(row.id)
    const isKnown = this.#rows.get(row.id)?.home === row.home
    this.#rows.set(row.id, row)
    if (this.#placeable && isKnown && position === undefined) return
    if (this.#placeable && isKnown && position !== undefined) this.#placeable[position] = snapshotOf(row)
    else this.#placeable = undefined
  }

  /** Takes what is committed of these hosts, after a transaction that `observe`d them has failed. */
  async reread(ids: Iterable<string>): Promise<void> {
    await this.#read([...ids], { isForced: true })
  }

  async #load(): Promise<void> {
    this.#state.onCommit((changes) => this.#follow(changes))
    for (const row of await this.#state.select(scope, hosts).selectAll().execute()) this.observe(row)
  }

  // Changes that come while a read is under way are read together by the next one.
  #follow(changes: readonly Change[]): void {
    for (const { table, id } of changes) if (table === hosts.name) this.#changedIds.add(id)
    if (this.#changedIds.size > 0) this.#refresher.request()
  }

  async #refresh(): Promise<void> {
    // Transactions of one commit are told of one after the other: their hosts are read together.
    await Promise.resolve()
    const ids = [...this.#changedIds]
    this.#changedIds.clear()
    try {
      await this.#read(ids, { isForced: false })
    } catch (error) {
      for (const id of ids) this.#changedIds.add(id)
      throw error
    }
  }

  async #read(ids: readonly string[], { isForced }: { isForced: boolean }): Promise<void> {
    if (ids.length === 0) return
    const rows = await this.#state.select(scope, hosts).selectAll().where('id', 'in', ids).execute()
    const present = new Set(rows.map(({ id }) => id))
    for (const id of ids) if (!present.has(id) && this.#rows.delete(id)) this.#placeable = undefined
    for (const row of rows) {
      const known = this.#rows.get(row.id)
      if (isForced || !known || isNewer(row, known)) this.observe(row)
    }
  }
}

// A claim whose commit is under way may have no number yet: what was committed since then takes its place.
function isNewer(row: HostRow, known: HostRow): boolean {
  return known.home !== row.home || row.seq >= known.seq || isProvisional(known.seq)
}

export function snapshotOf(row: HostRow): HostSnapshot {
  return {
    id: row.id,
    name: row.name,
    availabilityZone: row.availability_zone,
    isEnabled: row.enabled && !row.forced_down,
    total: { vcpus: row.vcpus, ramMib: row.ram_mib, diskGib: row.disk_gib },
    used: { vcpus: row.vcpus_used, ramMib: row.ram_mib_used, diskGib: row.disk_gib_used },
    serversCount: row.servers_count,
    cpuAllocationRatio: row.cpu_allocation_ratio,
  }
}
