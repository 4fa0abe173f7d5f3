/** In which order the sources of a query are read, each with its access path and the conditions that can be tested there. */

import type { CatalogueTable } from '../schema/catalogue.ts'
import { type AccessPath, accessPath } from './access-path.ts'
import { converted } from './comparison.ts'
import type { CompileOptions } from './compile-options.ts'
import type { Expression } from './expression.ts'
import { conjuncts } from './logic.ts'
import type { OrderItem } from './order.ts'
import type { Source } from './scope.ts'
import type { SelectPlan } from './select-plan.ts'
import type { PlannedSource } from './sources.ts'

export interface Step {
  readonly source: Source
  readonly kind: 'inner' | 'left'
  /** Undefined for a sub-select in the place of a table. */
  readonly path: AccessPath | undefined
  readonly subPlan: SelectPlan | undefined
  /**
   * With which sides of which equalities rows are matched when no index does it: read once, then looked up by hash.
   * Undefined when the path itself depends on the rows before it, or when there is nothing to match.
   */
  readonly hash: HashKeys | undefined
  /** What else must hold for a row to match; of a left join, what its `on` says. */
  readonly residual: readonly Expression[]
  /** What must hold after that; of a left join, what `where` says. */
  readonly filter: readonly Expression[]
  /** Whether the whole table was asked for, in so many words: nothing narrows it. */
  readonly isWhole: boolean
}

export interface HashKeys {
  /** Of the rows before. */
  readonly outer: readonly Expression['evaluate'][]
  /** Of the source itself. */
  readonly inner: readonly Expression['evaluate'][]
}

export interface StepsRequest {
  readonly sources: readonly PlannedSource[]
  readonly where: Expression | undefined
  readonly order: readonly OrderItem[]
  readonly hasLimit: boolean
  readonly options: CompileOptions
}

export interface PlannedSteps {
  readonly steps: readonly Step[]
  /** Conditions that read no source of this query: tested before anything is read. */
  readonly before: readonly Expression[]
  readonly isOrdered: boolean
}

export function planSteps(request: StepsRequest): PlannedSteps {
  const { sources, where, order, options } = request
  const onOf = new Map<PlannedSource, readonly Expression[]>()
  for (const source of sources)
    onOf.set(source, source.on ? conjuncts(options.compile(source.on, options)) : [])
  const inner = sources.filter(({ kind }) => kind !== 'left')
  // What an inner join says holds for the whole query, unless a left join comes before it.
  const isPlain = !sources.some(
    ({ kind }, at) => kind === 'left' && sources.slice(at).some((s) => s.kind === 'inner'),
  )
  const remaining = new Set(conjuncts(where))
  if (isPlain)
    for (const source of inner) for (const condition of onOf.get(source) ?? []) remaining.add(condition)
  const outside = (1 << options.scope.firstSlot) - 1
  const take = (bound: number): readonly Expression[] => {
    const ready = [...remaining].filter(({ slots }) => (slots & ~bound) === 0)
    for (const condition of ready) remaining.delete(condition)
    return ready
  }
  const before = take(outside)
  const hasConditions = where !== undefined || sources.length > 1
  const steps: Step[] = []
  let bound = outside
  let waiting = [...sources]
  let isOrdered = order.length === 0
  while (waiting.length > 0) {
    const candidates = isPlain ? reorderable(waiting) : waiting.slice(0, 1)
    const chosen = candidates
      .map((planned) =>
        candidate(planned, {
          request,
          bound,
          remaining,
          on: onOf.get(planned) ?? [],
          isPlain,
          isFirst: steps.length === 0,
        }),
      )
      .reduce((best, other) => (other.score > best.score ? other : best))
    waiting = waiting.filter((planned) => planned !== chosen.planned)
    bound |= 1 << chosen.planned.source.slot
    if (steps.length === 0) isOrdered ||= chosen.path?.isOrdered === true
    steps.push(toStep(chosen, { bound, take, isPlain, hasConditions }))
  }
  return { steps, before, isOrdered }
}

// Inner joins up to the first left join may come in any order.
function reorderable(waiting: readonly PlannedSource[]): readonly PlannedSource[] {
  const left = waiting.findIndex(({ kind }) => kind === 'left')
  return left < 0 ? waiting : waiting.slice(0, Math.max(left, 1))
}

interface Candidate {
  readonly planned: PlannedSource
  readonly path: AccessPath | undefined
  /** The conditions that matching may use. */
  readonly usable: readonly Expression[]
  readonly on: readonly Expression[]
  readonly boundBefore: number
  readonly score: number
}

interface CandidateOptions {
  readonly request: StepsRequest
  readonly bound: number
  readonly remaining: ReadonlySet<Expression>
  readonly on: readonly Expression[]
  readonly isPlain: boolean
  readonly isFirst: boolean
}

function candidate(planned: PlannedSource, options: CandidateOptions): Candidate {
  const { request, bound, remaining, on, isPlain, isFirst } = options
  const { slot, table } = planned.source
  const isLeft = planned.kind === 'left'
  const conditions = isLeft ? on : isPlain ? [...remaining] : [...on, ...remaining]
  const reachable = bound | (1 << slot)
  const usable = conditions.filter(({ slots }) => (slots & ~reachable) === 0)
  const path = table && pathOf(table, slot, usable, isFirst && !isLeft ? request : undefined)
  // A sub-select is read whole, so that it comes first.
  const score = path ? path.score : 2
  return { planned, path, usable, on, boundBefore: bound, score }
}

function pathOf(
  table: CatalogueTable,
  slot: number,
  conditions: readonly Expression[],
  request: StepsRequest | undefined,
): AccessPath {
  const { order = [], hasLimit = false } = request ?? {}
  return accessPath({ table, slot, conditions, order, hasLimit, isOnly: request?.sources.length === 1 })
}

interface StepOptions {
  /** With the source itself. */
  readonly bound: number
  readonly take: (bound: number) => readonly Expression[]
  readonly isPlain: boolean
  readonly hasConditions: boolean
}

function toStep(chosen: Candidate, { bound, take, isPlain, hasConditions }: StepOptions): Step {
  const { planned, path, usable, on, boundBefore } = chosen
  const { source, subPlan } = planned
  const isLeft = planned.kind === 'left'
  const taken = take(bound)
  const fulfilled = new Set(path?.fulfilled)
  const own = isLeft ? on : isPlain ? taken : [...on, ...taken]
  const dependsOnRows = path !== undefined && (path.slots & boundBefore) !== 0
  const hash = dependsOnRows ? undefined : hashKeys(usable, source.slot, boundBefore)
  return {
    source,
    kind: isLeft ? 'left' : 'inner',
    path,
    subPlan,
    hash,
    residual: own.filter((condition) => !fulfilled.has(condition)),
    filter: isLeft ? taken : [],
    isWhole: !hasConditions,
  }
}

// `a = b` with one side from the source alone and the other from the rows before it.
function hashKeys(conditions: readonly Expression[], slot: number, bound: number): HashKeys | undefined {
  const outer: Expression['evaluate'][] = []
  const inner: Expression['evaluate'][] = []
  for (const { shape, node } of conditions) {
    if (shape?.kind !== 'compare' || shape.operator !== '=') continue
    for (const [own, other] of [
      [shape.left, shape.right],
      [shape.right, shape.left],
    ] as const) {
      if (own.slots !== 1 << slot || (other.slots & bound) === 0 || (other.slots & ~bound) !== 0) continue
      if (own.readsStore || other.readsStore) continue
      const [ownValue, otherValue] = converted(node, own, other)
      inner.push(ownValue)
      outer.push(otherValue)
      break
    }
  }
  return inner.length > 0 ? { outer, inner } : undefined
}
