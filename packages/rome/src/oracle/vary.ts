/** The same statement with other values, so that the plan of the first one is used again. */

import type { Scalar, StatementSpec } from './case.ts'

export function varied(statement: StatementSpec): StatementSpec {
  return variedPart(statement) as StatementSpec
}

function variedPart(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(variedPart)
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(
    Object.entries(part).map(([name, member]: [string, unknown]) => {
      if (name === 'value') return [name, variedScalar(member as Scalar)]
      if (name === 'values') return [name, (member as readonly Scalar[]).map(variedScalar).toReversed()]
      if (name === 'pattern') return [name, (member as string).replace('a', 'b')]
      if (name === 'limit' && typeof member === 'number') return [name, member + 1]
      return [name, variedPart(member)]
    }),
  )
}

function variedScalar(scalar: Scalar): Scalar {
  if (typeof scalar === 'number') return scalar + 1
  if (typeof scalar === 'boolean') return !scalar
  if (typeof scalar === 'string') return scalar.startsWith('a') ? 'b' : `${scalar}a`
  return scalar
}
