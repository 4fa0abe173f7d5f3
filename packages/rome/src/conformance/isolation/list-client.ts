/** Carries out steps on lists that a peer keeps, each list a row, with an index of latest values. */

import type { Workspace } from '../../execute/workspace.ts'
import { rowOf } from '../../stores/key-value/row-of.ts'
import type { Peer } from '../../transaction/peer.ts'
import type { Statement, StatementRunner } from '../../transaction/work-scope.ts'
import type { HistoryClient } from './execute-plan.ts'
import type { Event, Step } from './history.ts'
import { GaveUp, KEYS, type Plan } from './plan.ts'

const LISTS = 'lists'
const LATEST = 'lists(latest)'

export interface PeerClient extends HistoryClient {
  readonly peer: Peer
}

/** A peer that, after an outcome that nobody knows, is given up for a new one. */
export function peerClient(peer: Peer, died: Promise<void>): PeerClient {
  return { peer, died, run: (plan) => run(peer, plan), isAlive: () => false }
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
