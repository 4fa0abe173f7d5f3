/**
 * The hosts as this peer knows them, in memory, so that choosing one reads nothing. What is here is a hint: it may
 * be a moment old, and whoever claims a host reads its record again in the transaction that claims.
 */

import type { Clock } from '@atoll/kit'
import { isProvisional, type Row } from '@atoll/rome'
import type { HostSnapshot } from '@atoll/scheduler'
import { cloudScope, followChangedRecords, type State } from '@atoll/state'
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
  #placeable: HostSnapshot[] | undefined
  readonly #positions = new Map<string, number>()
  #loading: Promise<void> | undefined
  readonly #clock: Clock
  readonly #byName = new Map<string, HostRow>()

  constructor({
    state,
    isHere,
    clock,
    isServed = () => true,
  }: Pick<ComputeDependencies, 'state' | 'isHere' | 'clock' | 'isServed'>) {
    this.isServed = isServed
    this.#state = state
    this.#isHere = isHere
    this.#clock = clock
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
    return this.#byName.get(name)
  }

  /** Takes the state of a host that a transaction read or wrote, committed or not. */
  observe(row: HostRow): void {
    const position = this.#positions.get(row.id)
    const isKnown = this.#rows.get(row.id)?.home === row.home
    this.#rows.set(row.id, row)
    this.#byName.set(row.name, row)
    if (this.#placeable && isKnown && position === undefined) return
    if (this.#placeable && isKnown && position !== undefined) this.#placeable[position] = snapshotOf(row)
    else this.#placeable = undefined
  }

  /** Takes what is committed of these hosts, after a transaction that `observe`d them has failed. */
  async reread(ids: Iterable<string>): Promise<void> {
    await this.#read([...ids], { isForced: true })
  }

  async #load(): Promise<void> {
    followChangedRecords({
      state: this.#state,
      table: hosts,
      clock: this.#clock,
      read: (ids) => this.#read(ids, { isForced: false }),
    })
    for (const row of await this.#state.select(scope, hosts).selectAll().execute()) this.observe(row)
  }

  async #read(ids: readonly string[], { isForced }: { isForced: boolean }): Promise<void> {
    if (ids.length === 0) return
    const rows = await this.#state.select(scope, hosts).selectAll().where('id', 'in', ids).execute()
    const present = new Set(rows.map(({ id }) => id))
    for (const id of ids) if (!present.has(id)) this.#forget(id)
    for (const row of rows) {
      const known = this.#rows.get(row.id)
      if (isForced || !known || isNewer(row, known)) this.observe(row)
    }
  }

  #forget(id: string): void {
    const row = this.#rows.get(id)
    if (!row) return
    this.#rows.delete(id)
    if (this.#byName.get(row.name)?.id === id) this.#byName.delete(row.name)
    this.#placeable = undefined
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
