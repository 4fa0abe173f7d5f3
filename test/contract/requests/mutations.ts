/** What goes wrong with a JSON body: as bytes, as a whole, and at each place in it. */

export interface Mutation {
  readonly what: string
  readonly text: string | Buffer
  /** The value that a parser makes of the text; left out when there is none, or when parsers disagree. */
  readonly value?: unknown
}

/** Written where JSON itself cannot say the number. */
const RAW = '@raw:'
const HUGE = 70_000

/** In place of any value. */
const REPLACEMENTS: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 53,
  `${RAW}1e400`,
  `${RAW}-1e400`,
  '',
  ' ',
  'x\u0000y',
  '\ud800',
  '１',
  '-0',
  'constructor',
  '%00../..',
  'x'.repeat(256),
  'x'.repeat(HUGE),
  [],
  [null],
  [[]],
  {},
  { a: 1 },
  [{}, {}],
]

/** Names that an object has without having them. */
const NAMES = [
  'bogus',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  'x'.repeat(300),
  'a\u0000b',
  '\udfff',
]

const DEPTH = 10_000

/** Bodies that are wrong before anybody looks at what they say. None of them is to be accepted. */
export const malformed: readonly Mutation[] = [
  { what: 'an empty body', text: '' },
  { what: 'half of a body', text: '{"a":' },
  { what: 'a word', text: 'nul' },
  { what: 'two values', text: '{} {}' },
  { what: 'a single quote', text: "{'a': 1}" },
  { what: 'NaN', text: '{"a": NaN}' },
  { what: 'zero bytes', text: Buffer.alloc(16) },
  { what: 'bytes that are no UTF-8', text: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
  { what: 'an array', text: '[]', value: [] },
  { what: 'an array of arrays', text: '[[]]', value: [[]] },
  { what: 'an array of objects', text: '[{}]', value: [{}] },
  { what: 'a string', text: '"text"', value: 'text' },
  { what: 'a number', text: '1', value: 1 },
  { what: 'null', text: 'null', value: null },
  { what: 'true', text: 'true', value: true },
  { what: 'an array of 10,000 levels', text: '['.repeat(DEPTH) + ']'.repeat(DEPTH) },
  { what: 'an object of 10,000 levels', text: `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}` },
  { what: 'UTF-16', text: Buffer.from('{"a":1}', 'utf16le') },
]

/** Parsers, validators and printers of errors lose their stack at different depths. */
const DEPTHS = [100, 1000, 2000, 3000, 5000, 7000]

/** A name twice, a prototype, or depth inside of what is otherwise right. */
export function twisted(sample: unknown): readonly Mutation[] {
  const text = JSON.stringify(sample)
  const inPlaces = DEPTHS.flatMap((depth) => [
    { what: `${depth} levels in each place`, text: inEachPlace(text, '['.repeat(depth) + ']'.repeat(depth)) },
    {
      what: `${depth} objects in each place`,
      text: inEachPlace(text, `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
    },
  ])
  if (typeof sample !== 'object' || sample === null || Array.isArray(sample)) return inPlaces
  const first = JSON.stringify(Object.keys(sample)[0])
  return [
    ...inPlaces,
    { what: 'a prototype', text: `{"__proto__":{"polluted":1},${text.slice(1)}` },
    { what: 'a name twice, the last one null', text: `${text.slice(0, -1)},${first}:null}` },
    ...DEPTHS.map((depth) => ({
      what: `${depth} levels in the first name`,
      text: `{${first}:${'['.repeat(depth)}${']'.repeat(depth)}}`,
    })),
  ]
}

// At most two places, so that the body stays below its limit.
function inEachPlace(text: string, value: string): string {
  let places = 0
  return text.replaceAll(/:("[^"]*"|\d+|true|false|null)/g, (whole) => (places++ < 2 ? `:${value}` : whole))
}

/** The sample with one thing changed, for each place and each change. */
export function* mutationsOf(sample: unknown): Generator<Mutation> {
  for (const path of pathsIn(sample)) {
    const where = path.join('.') || 'the body'
    if (path.length > 0)
      yield written(
        `${where} left out`,
        changeAt(sample, path, () => undefined),
      )
    for (const replacement of REPLACEMENTS)
      yield written(
        `${where} = ${shown(replacement)}`,
        changeAt(sample, path, () => replacement),
      )
    if (typeof valueAt(sample, path) === 'string')
      yield written(
        `${where} is very long`,
        changeAt(sample, path, (value) => String(value) + 'a'.repeat(300)),
      )
    for (const name of NAMES)
      if (isObject(valueAt(sample, path)))
        yield written(
          `${where} with ${shown(name)}`,
          changeAt(sample, path, (value) =>
            Object.fromEntries([...Object.entries(value as object), [name, 1]]),
          ),
        )
  }
}

function written(what: string, value: unknown): Mutation {
  const text = JSON.stringify(value)?.replaceAll(new RegExp(`"${RAW}([^"]*)"`, 'g'), '$1') ?? ''
  return { what, text }
}

function* pathsIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  yield path
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) yield* pathsIn(child, [...path, key])
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)
}

function changeAt(value: unknown, path: readonly string[], change: (value: unknown) => unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return change(value)
  if (Array.isArray(value))
    return value.flatMap((item, index) => {
      if (String(index) !== key) return [item]
      const changed = changeAt(item, rest, change)
      return changed === undefined ? [] : [changed]
    })
  return Object.fromEntries(
    Object.entries(value as object).map(([name, item]) => [
      name,
      name === key ? changeAt(item, rest, change) : item,
    ]),
  )
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 40)
}
