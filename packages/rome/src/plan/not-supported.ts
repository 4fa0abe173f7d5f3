/** Refusals: what lies outside the subset is named, and the fragment is shown as SQL, since everybody reads that. */

import { createQueryId, type OperationNode, type RootOperationNode, SqliteQueryCompiler } from 'kysely'
import { QueryNotSupported } from '../errors.ts'

const FRAGMENT_CHARACTERS_MAX = 200

/** @throws QueryNotSupported always */
export function refuse(what: string, node: OperationNode): never {
  throw QueryNotSupported({ what, fragment: fragmentOf(node) })
}

/** The node as SQL with its parameters as question marks, shortened. */
export function fragmentOf(node: OperationNode): string {
  let text: string
  try {
    text = new SqliteQueryCompiler().compileQuery(node as RootOperationNode, createQueryId()).sql
  } catch {
    // Kysely itself has no SQL for some nodes when they stand alone.
    text = node.kind
  }
  return text.length > FRAGMENT_CHARACTERS_MAX ? `${text.slice(0, FRAGMENT_CHARACTERS_MAX)} …` : text
}
