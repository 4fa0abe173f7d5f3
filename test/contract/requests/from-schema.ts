/** A value that a JSON schema accepts, with every property that it names: what mutations start from. */

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly minItems?: number
}

const FORMATS: Readonly<Record<string, string>> = {
  uuid: '12345678-1234-4234-8234-123456789abc',
  ipv4: '10.0.0.9',
  base64: 'YWJj',
}

/** Tried in this order against a pattern. */
const WORDS = ['ab', 'a', '1', '00:11:22:33:44:55', FORMATS.uuid ?? '', '10.0.0.9', '']

export function instanceOf(schema: object): unknown {
  const {
    type,
    properties,
    items,
    anyOf,
    oneOf,
    enum: values,
    const: value,
    minimum = 1,
    minItems = 0,
  } = schema as Schema
  if (value !== undefined) return value
  if (values) return values[0]
  const [alternative] = anyOf ?? oneOf ?? []
  if (alternative) return instanceOf(alternative)
  switch ([type].flat()[0] ?? 'null') {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, each]) => [name, instanceOf(each)]),
      )
    case 'array':
      return items ? Array.from({ length: Math.max(1, minItems) }, () => instanceOf(items)) : []
    case 'string':
      return wordOf(schema as Schema)
    case 'integer':
    case 'number':
      return minimum
    case 'boolean':
      return true
    default:
      return null
  }
}

function wordOf({ format, pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema): string {
  if (format !== undefined && FORMATS[format] !== undefined) return FORMATS[format]
  const isMatch = (word: string) =>
    word.length >= minLength && word.length <= maxLength && (!pattern || new RegExp(pattern, 'u').test(word))
  return WORDS.find(isMatch) ?? 'a'.repeat(minLength)
}
