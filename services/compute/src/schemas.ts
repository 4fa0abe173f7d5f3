/** JSON Schema of the values that Nova's requests have in common (nova/api/validation/parameter_types.py). */

import { type TSchema, Type } from 'typebox'

/** Printable, neither beginning nor ending with space. */
export const name = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^(?!\\s)[^\\x00-\\x1f\\x7f]*(?<!\\s)$',
})

export const description = Type.Union([
  Type.String({ maxLength: 255, pattern: '^[^\\x00-\\x1f\\x7f]*$' }),
  Type.Null(),
])

const truthy = ['True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes']
const falsy = ['False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no']

/** A boolean, or one of the words that Python's clients send for it. */
export const boolean = Type.Unsafe<boolean | string>({
  type: ['boolean', 'string'],
  enum: [true, ...truthy, false, ...falsy],
})

export function isTrue(value: boolean | string | undefined): boolean {
  return value === true || truthy.includes(String(value))
}

/** A whole number, or one written as text. */
export const wholeNumber = (minimum: number, maximum = 0x7fffffff) =>
  Type.Unsafe<number | string>({
    type: ['integer', 'string'],
    pattern: '^[0-9]{1,10}$',
    minLength: 1,
    minimum,
    maximum,
  })

export const metadata = Type.Unsafe<Record<string, string>>({
  type: 'object',
  patternProperties: { '^[a-zA-Z0-9-_:. ]{1,255}$': { type: 'string', maxLength: 255 } },
  additionalProperties: false,
})

/** A server's tag: no slash, no comma. */
export const tag = Type.String({ minLength: 1, maxLength: 60, pattern: '^[^,/]*$' })

export const uuid = Type.String({ format: 'uuid' })

/** An object that takes nothing but its properties. */
export const closed = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

/** A parameter of a query, once or repeated. */
export const parameter = <T extends TSchema>(item: T) => Type.Optional(Type.Array(item, { maxItems: 100 }))
export const textParameter = parameter(Type.String({ maxLength: 1024 }))

export const pagingParameters = {
  // Text, since `1e2` and `0x10` are numbers to JavaScript and not to Nova.
  limit: parameter(Type.String({ pattern: '^[0-9]{1,10}$' })),
  marker: textParameter,
}

/** The last of a repeated parameter, which is the one that counts. */
export function last<T>(values: readonly T[] | undefined): T | undefined {
  return values?.at(-1)
}

/** The most items of one page, which is also what no limit means. */
export const PAGE_MAX = 1000

export function pageLimit(limit: readonly string[] | undefined): number {
  return Math.min(Number(last(limit) ?? PAGE_MAX), PAGE_MAX)
}
