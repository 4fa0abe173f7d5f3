/** Whether the numbers that appends were given rise in the order of commits, as far as the history tells that order. */

import type { Executed, History } from './history.ts'

/** What is wrong, one sentence each. `numbers` has those of all values that are there. */
export function checkNumbers(history: History, numbers: ReadonlyMap<string, number>): string[] {
  return [
    ...checkGiven(history, numbers),
    ...checkLists(history, numbers),
    ...history.executed.flatMap((transaction) => checkSeen(transaction, numbers)),
    ...checkTimes(history, numbers),
  ]
}

function checkGiven({ final }: History, numbers: ReadonlyMap<string, number>): string[] {
  const values = [...final.values()].flat()
  const missing = values.filter((value) => !numbers.has(value))
  const more = [...numbers.keys()].filter((value) => !values.includes(value))
  const wrong = [
    ...missing.map((value) => `${value} has no number`),
    ...more.map((value) => `${value} has a number and is in no list`),
  ]
  if (new Set(numbers.values()).size < numbers.size) wrong.push('a number was given twice')
  return wrong
}

function checkLists({ final }: History, numbers: ReadonlyMap<string, number>): string[] {
  return [...final.values()].flatMap((list) => checkRising(list, numbers))
}

function checkRising(values: readonly string[], numbers: ReadonlyMap<string, number>): string[] {
  return values.flatMap((value, index) => {
    const next = values[index + 1]
    if (next === undefined || (numbers.get(value) ?? 0) < (numbers.get(next) ?? 0)) return []
    return [`${next} came after ${value} and has a lower number`]
  })
}

/** Within one they rise in the order of its calls, and what it saw was committed before. */
function checkSeen({ events, outcome }: Executed, numbers: ReadonlyMap<string, number>): string[] {
  if (outcome !== 'committed') return []
  const own = events.flatMap((event) => (event.kind === 'appended' ? [event.value] : []))
  const first = numbers.get(own[0] ?? '') ?? Number.POSITIVE_INFINITY
  const seen = events.flatMap((event) => {
    if (event.kind === 'appended') return []
    return 'list' in event ? event.list : event.latest === undefined ? [] : [event.latest]
  })
  const later = seen.filter((value) => !own.includes(value) && (numbers.get(value) ?? 0) > first)
  return [
    ...checkRising(own, numbers),
    ...later.map((value) => `${own[0]} was appended by who had seen ${value}, and has a lower number`),
  ]
}

/** Who began after another had ended has higher ones. */
function checkTimes({ executed }: History, numbers: ReadonlyMap<string, number>): string[] {
  const spans = executed.flatMap(({ events, outcome, began, ended, name }) => {
    const own = events.flatMap((event) => (event.kind === 'appended' ? (numbers.get(event.value) ?? []) : []))
    return outcome === 'committed' && own.length > 0
      ? [{ name, began, ended, lowest: Math.min(...own), highest: Math.max(...own) }]
      : []
  })
  return spans.flatMap((later) => {
    const before = spans.find(({ ended, highest }) => ended < later.began && highest > later.lowest)
    return before ? [`${later.name} began after ${before.name} had ended, and has a lower number`] : []
  })
}
