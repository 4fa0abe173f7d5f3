/** Assertions for bugs: a failed one is a defect of Atoll, never a mistake of a client. */

/** Throws when `condition` does not hold; `message` says which belief was wrong. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

/** Closes a switch over a union: reaching it means that a case was forgotten. */
export function assertNever(value: never, what = 'value'): never {
  throw new AssertionFailed(`unexpected ${what}: ${JSON.stringify(value)}`)
}

export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}
