/** What the transactions of a history do, drawn from a seed. */

import { pick, type Random } from '@atoll/kit'
import type { Step } from './history.ts'

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

/** What a plan that takes everything back ends with. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp'
}

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
