/** Clauses of a query that ROME does not run, refused by name, and the comment by which a query asks for a scan. */

import {
  type DeleteQueryNode,
  type InsertQueryNode,
  type OperationNode,
  RawNode,
  type SelectQueryNode,
  type UpdateQueryNode,
} from 'kysely'
import { SCAN_COMMENT } from './allow-scan.ts'
import { refuse } from './not-supported.ts'

type AnyQuery = SelectQueryNode | InsertQueryNode | UpdateQueryNode | DeleteQueryNode

const clauses: Readonly<Record<string, string>> = {
  with: 'common table expressions',
  setOperations: 'a union, intersection or difference',
  distinctOn: 'distinct on',
  fetch: 'fetch',
  top: 'top',
  explain: 'explain; use the function of that name',
  output: 'output',
  orAction: 'a conflict action before into; use on conflict',
  replace: 'replace; use on conflict',
  onDuplicateKey: 'on duplicate key; use on conflict',
  defaultValues: 'default values',
  using: 'using',
}

/** @throws QueryNotSupported for any clause outside the subset */
export function refuseClauses(node: AnyQuery): void {
  for (const name in node) {
    const clause = clauses[name]
    if (clause !== undefined && isGiven(node[name as keyof AnyQuery])) refuse(clause, node)
  }
  const modifiers = [
    ...('frontModifiers' in node ? (node.frontModifiers ?? []) : []),
    ...(node.endModifiers ?? []),
  ]
  for (const modifier of modifiers) if (!isKnownModifier(modifier)) refuse('this modifier', modifier)
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false
}

/** Whether the query was given to `allowScan`. */
export function isScanAsked(node: AnyQuery): boolean {
  return node.endModifiers?.some(isScanComment) === true
}

// Locks are no part of an optimistic transaction: what is read is proven at the commit.
const harmless = new Set([
  'Distinct',
  'ForUpdate',
  'ForNoKeyUpdate',
  'ForShare',
  'ForKeyShare',
  'NoWait',
  'SkipLocked',
])

function isKnownModifier(node: OperationNode): boolean {
  if (isScanComment(node)) return true
  return 'modifier' in node && harmless.has(String(node.modifier))
}

function isScanComment(node: OperationNode): boolean {
  const raw = 'rawModifier' in node ? (node.rawModifier as OperationNode | undefined) : node
  return raw !== undefined && RawNode.is(raw) && raw.sqlFragments.join('').trim() === SCAN_COMMENT
}
