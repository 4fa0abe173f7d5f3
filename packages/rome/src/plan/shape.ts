/**
 * The shape of a query: all of its tree but the values that it was given. Queries of one shape share one plan, which takes the
 * values when it runs: a service asks the same few hundred questions over and over.
 */

import type { OperationNode, PrimitiveValueListNode, RawNode, ValueNode } from 'kysely'
import { boundValue, type Value } from '../values/value.ts'

/** A value, or all values of one list. */
export type Parameter = Value | readonly Value[]

export interface Shape {
  /** Equal for queries of one shape, and for no others. */
  readonly key: string
  /** In the order in which the tree is walked. */
  readonly parameters: readonly Parameter[]
}

/** Where the values of a node stand among the parameters; not there for those that are part of the shape. */
export type ParameterPlaces = ReadonlyMap<object, number>

/**
 * Of which kind a value is belongs to the shape, since conversions depend on it; NULL is part of the shape itself. Text is
 * open when, as a pattern, it could begin with anything.
 */
type ValueClass = 'null' | 'number' | 'text' | 'open text' | 'other'

export function classOf(value: unknown): ValueClass {
  if (value === null) return 'null'
  if (typeof value === 'string') return isOpen(value) ? 'open text' : 'text'
  return typeof value === 'object' ? 'other' : 'number'
}

function isOpen(pattern: string): boolean {
  const [first] = pattern
  return first === undefined || first === '%' || first === '_' || first === '\0'
}

export function shapeOf(node: OperationNode): Shape {
  const walk = new Walk()
  walk.visit(node)
  return { key: walk.key, parameters: walk.parameters }
}

/** Undefined when a node stands in the tree twice: then the plan of this query would mix up the values of others. */
export function parameterPlaces(node: OperationNode): ParameterPlaces | undefined {
  const walk = new Walk(new Map())
  walk.visit(node)
  return walk.places?.size === walk.parameters.length ? walk.places : undefined
}

class Walk {
  key = ''
  readonly parameters: Parameter[] = []
  readonly places: Map<object, number> | undefined

  constructor(places?: Map<object, number>) {
    this.places = places
  }

  visit(node: OperationNode): void {
    this.key += node.kind
    if (node.kind === 'ValueNode') this.#visitValue(node as ValueNode)
    else if (node.kind === 'PrimitiveValueListNode') this.#visitList(node as PrimitiveValueListNode)
    else if (node.kind === 'RawNode') this.#visitRaw(node as RawNode)
    else this.#visitMembers(node as unknown as Readonly<Record<string, unknown>>)
  }

  #visitValue(node: ValueNode): void {
    const { value, immediate } = node
    if (immediate) {
      this.key += `=${typeof value}:${JSON.stringify(value)};`
      return
    }
    const class_ = classOf(value)
    this.key += class_
    if (class_ !== 'null') this.#add(node, boundValue(value))
  }

  #visitList(node: PrimitiveValueListNode): void {
    this.key += node.values.length === 0 ? '0' : 's'
    this.#add(node, node.values.map(boundValue))
  }

  #visitRaw({ sqlFragments, parameters }: RawNode): void {
    this.key += JSON.stringify(sqlFragments)
    for (const parameter of parameters) this.visit(parameter)
  }

  #visitMembers(node: Readonly<Record<string, unknown>>): void {
    for (const name in node) {
      const member = node[name]
      if (member === undefined || name === 'kind') continue
      this.key += name
      if (typeof member === 'string') this.key += `:${member.length}:${member}`
      else if (Array.isArray(member)) this.#visitAll(member as readonly OperationNode[])
      else if (typeof member === 'object' && member !== null) this.visit(member as OperationNode)
      else this.key += `=${String(member as boolean)}`
    }
    this.key += '.'
  }

  #visitAll(nodes: readonly OperationNode[]): void {
    this.key += '['
    for (const node of nodes) this.visit(node)
    this.key += ']'
  }

  #add(node: OperationNode, parameter: Parameter): void {
    this.places?.set(node, this.parameters.length)
    this.parameters.push(parameter)
  }
}
