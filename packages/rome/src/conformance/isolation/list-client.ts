/** Carries out steps on lists that a peer keeps, each list a row, with an index of latest values, and notes what happened. */

import { pick, type Random } from '@atoll/kit'
import { OutcomeUnknown, StoreUnavailable, TransactionConflict } from '../../errors.ts'
import type { Workspace } from '../../execute/workspace.ts'
import { rowOf } from '../../stores/key-value/row-of.ts'
import type { Peer } from '../../transaction/peer.ts'
import type { Statement, StatementRunner } from '../../transaction/work-scope.ts'
import type { Event, Executed, Step } from './history.ts'

const LISTS = 'lists'
const LATEST = 'lists(latest)'
export const KEYS: readonly string[] = ['a', 'b', 'c', 'd', 'e', 'f']

/** How a transaction is run: as a work, as one that its user ends, or, when it only reads one thing, as a read. */
export type Manner = 'work' | 'user' | 'read'

export interface Plan {
  readonly name: string
  readonly steps: readonly Step[]
  readonly manner: Manner
  /** Whether it takes everything back at its end. */
  readonly givesUp: boolean
  /** Whether it takes what it does not know to be absent, which is often wrong here. */
  readonly guesses?: boolean
}

class GaveUp extends Error {}

/** Steps whose values are named after the transaction, so that nobody else appends them. */
export function somePlan(random: Random, name: string): Plan {
  const steps = Array.from({ length: random.below(4) + 1 }, (_, index) =>
    someStep(random, `${name}.${index}`),
  )
  const readsOne = steps.length === 1 && steps[0]?.kind !== 'append'
  const manner = readsOne
    ? pick(random, ['work', 'user', 'read'] as const)
    : pick(random, ['work', 'work', 'user'] as const)
  return {
    name,
    steps,
    manner,
    givesUp: manner !== 'read' && random.below(10) === 0,
    guesses: random.below(2) === 0,
  }
}

function someStep(random: Random, value: string): Step {
  const key = pick(random, KEYS)
  const kind = pick(random, ['append', 'append', 'append', 'read', 'read', 'scan', 'scan', 'latest'] as const)
  if (kind === 'append') return { kind, key, value: `${random.below(1000)}-${value}` }
  if (kind === 'read') return { kind, key }
  if (kind === 'latest') return { kind }
  const [from = '', to = ''] = [key, pick(random, [...KEYS, 'g'])].sort()
  return { kind, from, to, limit: random.below(6) + 1 }
}

/** Runs `plan`; `died` ends it with an unknown outcome. `tick` counts begins and ends. */
export async function execute(
  peer: Peer,
  { plan, died, tick }: { readonly plan: Plan; readonly died: Promise<void>; readonly tick: () => number },
): Promise<Executed> {
  const began = tick()
  const { name, steps } = plan
  const intended = steps.flatMap((step): Event[] =>
    step.kind === 'append' ? [{ ...step, kind: 'appended' }] : [],
  )
  const unknown = {
    name,
    events: intended,
    outcome: 'unknown',
    began,
    ended: Number.POSITIVE_INFINITY,
  } as const
  try {
    const events = await Promise.race([run(peer, plan), died])
    return events ? { name, events, outcome: 'committed', began, ended: tick() } : unknown
  } catch (error) {
    if (OutcomeUnknown.is(error)) return unknown
    const isExpected = TransactionConflict.is(error) || StoreUnavailable.is(error) || error instanceof GaveUp
    if (!isExpected) throw error
    return { name, events: intended, outcome: 'aborted', began, ended: tick() }
  }
}

async function run(peer: Peer, { steps, manner, givesUp, guesses = false }: Plan): Promise<readonly Event[]> {
  const work = async (runner: StatementRunner): Promise<readonly Event[]> => {
    const events: Event[] = []
    for (const step of steps)
      events.push(...(await runner.run(statementOf(step), { expectsNothing: guesses })))
    if (givesUp) throw new GaveUp()
    return events
  }
  if (manner === 'work') return peer.transaction(work)
  if (manner === 'read') return work({ run: (statement) => peer.read(statement) })
  const transaction = peer.begin()
  try {
    const events = await work(transaction)
    await transaction.commit()
    return events
  } catch (error) {
    if (error instanceof GaveUp) transaction.rollBack()
    throw error
  }
}

function statementOf(step: Step): Statement<readonly Event[]> {
  switch (step.kind) {
    case 'append':
      return (workspace) => append(workspace, step.key, step.value)
    case 'read':
      return (workspace) => [{ kind: 'seen', key: step.key, list: listOf(workspace, step.key) }]
    case 'scan':
      return (workspace) => scan(workspace, step)
    case 'latest':
      return latest
  }
}

function listOf(workspace: Workspace, key: string): readonly string[] {
  return workspace.cells(LISTS, [key])[0]?.bytes.split(' ') ?? []
}

function append(workspace: Workspace, key: string, value: string): readonly Event[] {
  const list = listOf(workspace, key)
  const before = list.at(-1)
  if (before !== undefined)
    workspace.write({ space: LATEST, key: entryOf(before, key), value: null, holes: [] })
  workspace.write({ space: LATEST, key: entryOf(value, key), value: '', holes: [] })
  workspace.write({ space: LISTS, key, value: [...list, value].join(' '), holes: [] })
  return [
    { kind: 'seen', key, list },
    { kind: 'appended', key, value },
  ]
}

function scan(workspace: Workspace, { from, to, limit }: Extract<Step, { kind: 'scan' }>): readonly Event[] {
  const view = workspace.range({ space: LISTS, from, to, limit, isReversed: false, rowsOf: null })
  const lists = new Map(view.keys.map((key, index) => [key, view.cells[index]?.bytes.split(' ') ?? []]))
  const last = view.keys.at(-1) ?? ''
  const known = KEYS.filter((key) => key >= from && key < to && (view.isComplete || key <= last))
  return known.map((key) => ({ kind: 'seen', key, list: lists.get(key) ?? [] }))
}

function latest(workspace: Workspace): readonly Event[] {
  const view = workspace.range({
    space: LATEST,
    from: '',
    to: '\xff',
    limit: 100,
    isReversed: true,
    rowsOf: LISTS,
  })
  const found = new Map(
    view.keys.map((entry, index) => [rowOf(LISTS, entry).key, view.cells[index]?.bytes.split(' ')]),
  )
  return KEYS.flatMap((key): Event[] => {
    const list = found.get(key)
    const entry = view.keys.find((candidate) => rowOf(LISTS, candidate).key === key)
    const value = entry?.slice(0, entry.length - key.length - 3)
    return [
      { kind: 'seen', key, latest: value },
      { kind: 'seen', key, list: list ?? [] },
    ]
  })
}

function entryOf(value: string, key: string): string {
  return `${value}!${key}\x00${String.fromCharCode(key.length)}`
}
