/** For tests of plans and operators: a workspace in memory that has everything, or pretends to have to bring it. */

import { SortedMap } from '../collections/sorted-map.ts'
import {
  type Cell,
  Missing,
  type RangeRequest,
  type RangeView,
  type Workspace,
} from '../execute/workspace.ts'
import { rowKeyOfEntry } from '../keyspace/row-keys.ts'
import type { Write } from '../stores/key-value/key-value-store.ts'

export class WholeWorkspace implements Workspace {
  readonly #spaces = new Map<string, SortedMap<Cell>>()

  cells(space: string, keys: readonly string[]): readonly (Cell | undefined)[] {
    const map = this.#space(space)
    return keys.map((key) => map.get(key))
  }

  range(request: RangeRequest): RangeView {
    const map = this.#space(request.space)
    const found = map.keys({ ...request, limit: request.limit + 1 })
    const keys = found.slice(0, request.limit)
    const rows = request.rowsOf === null ? undefined : this.#space(request.rowsOf)
    const cells = keys.map((key) => (rows ? rows.get(rowKeyOfEntry(key)) : map.get(key)) as Cell)
    return { keys, cells, isComplete: found.length <= request.limit }
  }

  ranges(requests: readonly RangeRequest[]): readonly RangeView[] {
    return requests.map((request) => this.range(request))
  }

  write({ space, key, value }: Write): void {
    if (value === null) this.#space(space).delete(key)
    else this.#space(space).set(key, { bytes: value, row: undefined })
  }

  /** Everything, to be compared: `space`, then the sorted keys. */
  keysOf(space: string): readonly string[] {
    return this.#space(space).keys({
      from: '',
      to: '\xff\xff',
      limit: Number.MAX_SAFE_INTEGER,
      isReversed: false,
    })
  }

  spaces(): readonly string[] {
    return [...this.#spaces.keys()]
  }

  #space(name: string): SortedMap<Cell> {
    let space = this.#spaces.get(name)
    if (!space) {
      space = new SortedMap<Cell>()
      this.#spaces.set(name, space)
    }
    return space
  }
}

/** Knows nothing until it was asked once: counts the round trips of whoever runs a plan again after each `Missing`. */
export class ForgetfulWorkspace implements Workspace {
  readonly #whole: WholeWorkspace
  readonly #known = new Set<string>()

  constructor(whole: WholeWorkspace) {
    this.#whole = whole
  }

  cells(space: string, keys: readonly string[]): readonly (Cell | undefined)[] {
    const unknown = keys.filter((key) => !this.#known.has(`${space}\n${key}`))
    if (unknown.length > 0) throw new Missing({ keys: unknown.map((key) => ({ space, key })) })
    return this.#whole.cells(space, keys)
  }

  range(request: RangeRequest): RangeView {
    return this.ranges([request])[0] as RangeView
  }

  ranges(requests: readonly RangeRequest[]): readonly RangeView[] {
    const unknown = requests.filter((request) => !this.#known.has(JSON.stringify(request)))
    if (unknown.length > 0) throw new Missing({ ranges: unknown })
    return this.#whole.ranges(requests)
  }

  write(write: Write): void {
    this.#whole.write(write)
  }

  /** Runs `work` until nothing is missing, and answers how many round trips that took. */
  run<Result>(work: (workspace: Workspace) => Result): {
    readonly result: Result
    readonly roundTrips: number
  } {
    for (let roundTrips = 0; ; roundTrips++) {
      try {
        return { result: work(this), roundTrips }
      } catch (error) {
        if (!(error instanceof Missing)) throw error
        for (const { space, key } of error.keys) this.#known.add(`${space}\n${key}`)
        for (const request of error.ranges) this.#known.add(JSON.stringify(request))
      }
    }
  }
}
