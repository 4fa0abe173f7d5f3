/** Tells code, comments and literals of TypeScript apart, so that a rule looks only at what it is about. */

export type SpanKind = 'line comment' | 'block comment' | 'literal'

/** `text.slice(start, end)` is of one kind; everything between spans is code. */
export interface Span {
  readonly kind: SpanKind
  readonly start: number
  readonly end: number
}

const LINE_COMMENT = /\/\/[^\n]*/y
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y
const QUOTED = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const PATTERN = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** A template up to its end or to its next `${`; it starts at a backtick or at the `}` that ends an expression. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
/** After one of these a slash begins a regular expression; after a value it divides. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|await|yield|throw))\s*$/

/** The comments and literals of `text`, in order. JSX is not understood. */
export function scan(text: string): Span[] {
  const spans: Span[] = []
  // Open braces inside each template expression that is under way: its own `}` is the one at depth 0.
  const depths: number[] = []
  let position = 0
  const take = (kind: SpanKind, pattern: RegExp): string | undefined => {
    pattern.lastIndex = position
    const token = pattern.exec(text)?.[0]
    if (token === undefined) return undefined
    spans.push({ kind, start: position, end: position + token.length })
    position += token.length
    return token
  }
  const takeTemplate = () => {
    if (take('literal', TEMPLATE)?.endsWith('${')) depths.push(0)
  }
  while (position < text.length) {
    const start = position
    const character = text[position]
    const depth = depths.at(-1)
    if (character === '/' && take('line comment', LINE_COMMENT)) continue
    if (character === '/' && take('block comment', BLOCK_COMMENT)) continue
    if (character === '/' && BEFORE_PATTERN.test(text.slice(Math.max(0, position - 40), position)))
      take('literal', PATTERN)
    else if (character === "'" || character === '"') take('literal', QUOTED)
    else if (character === '`') takeTemplate()
    else if (character === '}' && depth === 0) {
      depths.pop()
      takeTemplate()
    } else if (character === '{' && depth !== undefined) depths[depths.length - 1] = depth + 1
    else if (character === '}' && depth !== undefined) depths[depths.length - 1] = depth - 1
    if (position === start) position++
  }
  return spans
}

/** `text` with the spans of `kinds` as blanks: every other character keeps its line and column. */
export function blank(text: string, spans: readonly Span[], kinds: readonly SpanKind[]): string {
  let result = ''
  let position = 0
  for (const { kind, start, end } of spans) {
    if (!kinds.includes(kind)) continue
    result += text.slice(position, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ')
    position = end
  }
  return result + text.slice(position)
}
