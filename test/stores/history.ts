/**
 * What clients of a key/value store have seen and done, held against its log. The log gives all commits one order; a history is
 * serializable in that order when each look shows what the commits up to its position add up to, when no commit that counts
 * read something that changed before it, and when all that was acknowledged is there, once.
 */

import assert from 'node:assert/strict'
import { fraction, pick, type Random, sleep, systemClock } from '@atoll/kit'
import {
  type CommitOutcome,
  type KeyValueStore,
  type LogEntry,
  OutcomeUnknown,
  type Position,
  type Sight,
  StoreUnavailable,
  type Write,
} from '@atoll/rome'

const NAMES = Array.from({ length: 16 }, (_, index) => `account-${String.fromCharCode(97 + index)}`)
const SPACE = 'accounts'
const INDEX = 'accounts(balance)'
const START = 100

interface Seen {
  readonly position: Position
  readonly balances: ReadonlyMap<string, number>
}

interface Done extends Seen {
  readonly id: string
  /** Undefined when nobody knows whether it counts. */
  readonly at: Position | undefined
}

export interface Counts {
  readonly acknowledged: number
  readonly unknown: number
  readonly conflicts: number
  readonly unavailable: number
}

export class History {
  readonly #seen: Seen[] = []
  readonly #done: Done[] = []
  #conflicts = 0
  #unavailable = 0
  #ids = 0

  get counts(): Counts {
    return {
      acknowledged: this.#done.filter(({ at }) => at !== undefined).length,
      unknown: this.#done.filter(({ at }) => at === undefined).length,
      conflicts: this.#conflicts,
      unavailable: this.#unavailable,
    }
  }

  /** Gives every account what it starts with. */
  async begin(store: KeyValueStore): Promise<void> {
    const writes = NAMES.flatMap((name) => [row(name, START), entry(name, START)])
    const outcome = await store.commit(commit(`begin`, { after: 0, keys: [], writes }))
    assert.equal(outcome.kind, 'committed')
  }

  /** Moves money between accounts until `isOver`. Failures of the store are part of the history. */
  async work(store: KeyValueStore, isOver: () => boolean, random: Random): Promise<void> {
    const name = this.#ids++
    for (let count = 0; !isOver(); count++) {
      try {
        if (random.below(8) === 0) await this.#audit(store)
        else await this.#transfer(store, `${name} ${count}`, random)
      } catch (error) {
        if (!StoreUnavailable.is(error)) throw error
        this.#unavailable++
        await sleep(systemClock, 20 * fraction(random))
      }
    }
  }

  /** Holds everything against the log. The store must still have all of it. */
  async prove(store: KeyValueStore): Promise<void> {
    const sight = await lookAt(store, NAMES)
    const entries = (await store.look({ after: 0, keys: [], ranges: [] })).entries
    assert.ok(entries, 'the log is there from its beginning')
    const states = statesOf(entries)
    const byId = new Map(entries.map((each) => [each.id, each]))
    assert.equal(byId.size, entries.length, 'no commit counts twice')
    for (const { position, balances } of this.#seen) sameAs(states, position, balances, 'a look')
    for (const { id, at, position, balances } of this.#done) {
      const found = byId.get(`${process.pid} ${id}`)
      if (at !== undefined) assert.equal(found?.position, at, `commit ${id}, which was acknowledged, is lost`)
      sameAs(states, position, balances, `commit ${id}`)
      if (found) sameAs(states, found.position - 1, balances, `commit ${id}, at its place in the log`)
    }
    assert.equal(
      [...sight.balances.values()].reduce((sum, balance) => sum + balance),
      NAMES.length * START,
    )
    sameAs(states, sight.position, sight.balances, 'the end')
  }

  async #audit(store: KeyValueStore): Promise<void> {
    const seen = await lookAt(store, NAMES)
    this.#seen.push(seen)
  }

  async #transfer(store: KeyValueStore, id: string, random: Random): Promise<void> {
    const [from, to] = [pick(random, NAMES), pick(random, NAMES)]
    if (from === to) return
    const { position, balances } = await lookAt(store, [from, to])
    const amount = 1 + random.below(9)
    const writes = [...change(from, balances, -amount), ...change(to, balances, amount)]
    const done = { id, position, balances }
    try {
      const outcome = await store.commit(commit(id, { after: position, keys: [from, to], writes }))
      this.#settle(done, outcome)
    } catch (error) {
      if (!OutcomeUnknown.is(error)) throw error
      this.#done.push({ ...done, at: undefined })
    }
  }

  #settle(done: Omit<Done, 'at'>, outcome: CommitOutcome): void {
    if (outcome.kind === 'committed') this.#done.push({ ...done, at: outcome.at })
    else this.#conflicts++
  }
}

/** Reads accounts by key, and, when it is all of them, by the index, too. */
async function lookAt(store: KeyValueStore, names: readonly string[]): Promise<Seen> {
  const range = { space: INDEX, from: '', to: '\xff', limit: 100, isReversed: false, rowsOf: SPACE }
  const keys = names.map((key) => ({ space: SPACE, key }))
  const isAll = names.length === NAMES.length
  const sight = await store.look({ after: null, keys, ranges: isAll ? [range] : [] })
  const balances = new Map(names.map((name, index) => [name, Number(sight.values[index])]))
  if (isAll) agrees(sight, balances)
  return { position: sight.position, balances }
}

function agrees({ ranges: [range] }: Sight, balances: ReadonlyMap<string, number>): void {
  const expected = [...balances].map(([name, balance]) => entry(name, balance).key).sort()
  assert.deepEqual(range?.keys, expected, 'the index and its rows agree')
  const rows = range.keys.map((key) => String(balances.get(key.slice(8, -2))))
  assert.deepEqual(range.values, rows)
}

/** By position: what all accounts held. */
function statesOf(entries: readonly LogEntry[]): readonly ReadonlyMap<string, number>[] {
  const states: ReadonlyMap<string, number>[] = [new Map()]
  for (const [index, { position, writes }] of entries.entries()) {
    assert.equal(position, index + 1)
    const state = new Map(states.at(-1))
    for (const { space, key, value } of writes) if (space === SPACE) state.set(key, Number(value))
    states.push(state)
  }
  return states
}

function sameAs(
  states: readonly ReadonlyMap<string, number>[],
  position: Position,
  balances: ReadonlyMap<string, number>,
  what: string,
): void {
  const state = states[position]
  assert.ok(state, `${what} is of position ${position}, which the log does not have`)
  for (const [name, balance] of balances)
    assert.equal(balance, state.get(name), `${what} saw another ${name} at ${position}`)
}

function change(name: string, balances: ReadonlyMap<string, number>, amount: number): readonly Write[] {
  const before = balances.get(name) ?? 0
  const after = before + amount
  return [row(name, after), { ...entry(name, before), value: null }, entry(name, after)]
}

const row = (name: string, balance: number): Write => ({
  space: SPACE,
  key: name,
  value: `${balance}`,
  holes: [],
})

/** Eight bytes of balance, then the name and its length. */
const entry = (name: string, balance: number): Write => ({
  space: INDEX,
  key: `${`${balance + 10_000}`.padStart(8, '0')}${name}\x00${String.fromCharCode(name.length)}`,
  value: '',
  holes: [],
})

function commit(
  id: string,
  { after, keys, writes }: { after: Position; keys: readonly string[]; writes: readonly Write[] },
) {
  const reads = { keys: keys.map((key) => ({ space: SPACE, key })), ranges: [] }
  return { id: `${process.pid} ${id}`, after, reads, writes, numbers: 0, changes: [] }
}
