/**
 * Whether there is one order of all transactions that explains what each has seen and keeps the order of those of which one
 * ended before the other began: strict serializability. There is none when dependencies form a cycle (Adya, 1999, section
 * 4; Elle, section 5), or when a list cannot have come about at all.
 *
 * ```
 * ww  wrote the version after that of ...       rw  saw the version before that of ...
 * wr  saw the version of ...                    rt  began after the end of ...
 * ```
 */

import { type Edge, findCycle } from './find-cycle.ts'
import type { Event, Executed, History } from './history.ts'

/** What is wrong, one sentence each; none when the history is strictly serializable. */
export function checkHistory(history: History): string[] {
  const writers = writersOf(history)
  const wrong = [...checkLists(history, writers), ...history.executed.flatMap(checkInside)]
  if (wrong.length > 0) return wrong
  const cycle = findCycle([...dependencies(history, writers), ...realTime(history)])
  return cycle ? [`cycle: ${cycle.map(({ from, kind, key }) => `${from} -${kind}${key}-> `).join('')}…`] : []
}

function writersOf({ executed }: History): ReadonlyMap<string, Executed> {
  return new Map(
    executed.flatMap((transaction) =>
      transaction.events.flatMap((event) =>
        event.kind === 'appended' ? [[event.value, transaction] as const] : [],
      ),
    ),
  )
}

function checkLists({ executed, final }: History, writers: ReadonlyMap<string, Executed>): string[] {
  const wrong: string[] = []
  for (const [key, list] of final) {
    if (new Set(list).size < list.length) wrong.push(`${key} has a value twice: ${list.join(' ')}`)
    for (const value of list)
      if (!writers.has(value)) wrong.push(`${key} has ${value}, which nobody appended`)
  }
  for (const { name, outcome, events } of executed) {
    if (outcome === 'unknown') wrong.push(...checkWhole(name, events, final))
    for (const event of events) {
      const list = final.get(event.key) ?? []
      if (event.kind === 'appended') {
        const isThere = list.includes(event.value)
        if (outcome === 'committed' && !isThere)
          wrong.push(`lost: ${event.value} of ${name} is not in ${event.key}`)
        if (outcome === 'aborted' && isThere)
          wrong.push(`dirty: ${event.key} has ${event.value}, which ${name} took back`)
      } else if (outcome !== 'unknown') wrong.push(...checkSeen(name, event, list, events))
    }
  }
  return wrong
}

// Nobody knows whether it happened, but it cannot have happened in part.
function checkWhole(name: string, events: readonly Event[], final: History['final']): string[] {
  const appended = events.filter((event) => event.kind === 'appended')
  const isThere = appended.filter(({ key, value }) => final.get(key)?.includes(value))
  return isThere.length === 0 || isThere.length === appended.length
    ? []
    : [`half: of ${name} only ${isThere.map(({ value }) => value).join(' ')} is there`]
}

// What was seen must be a beginning of what the list came to be; an aborted writer's own appends aside.
function checkSeen(
  name: string,
  event: Event & { kind: 'seen' },
  final: readonly string[],
  events: readonly Event[],
): string[] {
  const own = events.flatMap((other) =>
    other.kind === 'appended' && other.key === event.key ? [other.value] : [],
  )
  const seen = 'list' in event ? event.list : event.latest === undefined ? [] : [event.latest]
  const foreign = seen.filter((value) => !own.includes(value))
  const isBeginning =
    'list' in event
      ? foreign.every((value, index) => final[index] === value)
      : foreign.every((value) => final.includes(value))
  return isBeginning ? [] : [`${name} saw ${event.key} as ${seen.join(' ')}, which became ${final.join(' ')}`]
}

/** Within itself, a transaction sees its own appends, and what it saw before does not change. */
function checkInside({ name, events, outcome }: Executed): string[] {
  if (outcome === 'unknown') return []
  const known = new Map<string, { latest: string | undefined; length: number | undefined }>()
  const wrong: string[] = []
  for (const event of events) {
    const before = known.get(event.key)
    if (event.kind === 'appended') {
      const length = before?.length === undefined ? undefined : before.length + 1
      known.set(event.key, { latest: event.value, length })
      continue
    }
    const latest = 'list' in event ? event.list.at(-1) : event.latest
    const length = 'list' in event ? event.list.length : before?.length
    if (before && (before.latest !== latest || (before.length !== undefined && before.length !== length)))
      wrong.push(`${name} saw ${event.key} end with ${latest}, and had itself left it at ${before.latest}`)
    known.set(event.key, { latest, length })
  }
  return wrong
}

function* dependencies({ executed, final }: History, writers: ReadonlyMap<string, Executed>): Iterable<Edge> {
  for (const [key, list] of final)
    for (const [index, value] of list.entries()) {
      const [writer, next] = [writers.get(value), writers.get(list[index + 1] ?? '')]
      if (writer && next) yield { from: writer.name, to: next.name, kind: 'ww', key: `(${key})` }
    }
  for (const { name, events, outcome } of executed) {
    if (outcome === 'unknown') continue
    const own = new Set(events.flatMap((event) => (event.kind === 'appended' ? [event.value] : [])))
    for (const event of events) {
      if (event.kind !== 'seen') continue
      const list = final.get(event.key) ?? []
      const seen = 'list' in event ? event.list : list.slice(0, list.indexOf(event.latest ?? '') + 1)
      const isOwn = 'latest' in event && event.latest !== undefined && own.has(event.latest)
      if (isOwn) continue
      const length = seen.filter((value) => !own.has(value)).length
      const [writer, next] = [writers.get(list[length - 1] ?? ''), writers.get(list[length] ?? '')]
      if (writer) yield { from: writer.name, to: name, kind: 'wr', key: `(${event.key})` }
      if (next) yield { from: name, to: next.name, kind: 'rw', key: `(${event.key})` }
    }
  }
}

// One chain of ends stands for the edges of all pairs: begin after the latest end before it.
function* realTime({ executed }: History): Iterable<Edge> {
  const ends = executed
    .filter(({ ended }) => Number.isFinite(ended))
    .sort((left, right) => left.ended - right.ended)
  const end = (transaction: Executed) => `end of ${transaction.name}`
  for (const [index, transaction] of ends.entries()) {
    yield { from: transaction.name, to: end(transaction), kind: 'rt', key: '' }
    const next = ends[index + 1]
    if (next) yield { from: end(transaction), to: end(next), kind: 'rt', key: '' }
  }
  for (const transaction of executed) {
    const before = ends.findLast(({ ended }) => ended < transaction.began)
    if (before) yield { from: end(before), to: transaction.name, kind: 'rt', key: '' }
  }
}
