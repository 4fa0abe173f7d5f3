/** What the compilers of SQL servers share. */

import { type OperationNode, PrimitiveValueListNode, ValueListNode, ValueNode } from 'kysely'

/** What `x in ()` and `x not in ()` are, which SQL servers do not take; undefined when it is neither. */
export function emptyInResult(operator: string | undefined, list: OperationNode): boolean | undefined {
  if (operator !== 'in' && operator !== 'not in') return undefined
  const isEmpty = (ValueListNode.is(list) || PrimitiveValueListNode.is(list)) && list.values.length === 0
  return isEmpty ? operator === 'not in' : undefined
}

/** `is` and `is not` with a value: SQLite takes NULLs as equal there, and servers write it otherwise. */
export function isNullSafe(operator: string | undefined, right: OperationNode): boolean {
  return (operator === 'is' || operator === 'is not') && ValueNode.is(right) && !right.immediate
}
