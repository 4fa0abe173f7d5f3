/**
 * The part of regular expressions that people use in filters, matched in time linear in the product of the lengths:
 * a client's full regular expression could keep the event loop busy for ever.
 */

type Token = { readonly kind: 'one'; readonly character: string | undefined } | { readonly kind: 'any' }

/**
 * A test for text that contains the pattern. `^`, `$`, `.`, `.*` and `\` mean what they do in regular expressions;
 * everything else stands for itself. Letters match in either case, as they do in MySQL.
 */
export function namePattern(pattern: string): (text: string) => boolean {
  const lower = pattern.toLowerCase()
  const isAtStart = lower.startsWith('^')
  const isAtEnd = lower.endsWith('$') && !lower.endsWith('\\$')
  const tokens = tokensOf(lower.slice(isAtStart ? 1 : 0, isAtEnd ? -1 : undefined))
  const any: Token = { kind: 'any' }
  const whole = [...(isAtStart ? [] : [any]), ...tokens, ...(isAtEnd ? [] : [any])]
  return (text) => matches(whole, Array.from(text.toLowerCase()))
}

function tokensOf(pattern: string): Token[] {
  const parts = pattern.match(/\.\*|\\.|[\s\S]/gu) ?? []
  return parts.map((part): Token => {
    if (part === '.*') return { kind: 'any' }
    if (part === '.') return { kind: 'one', character: undefined }
    return { kind: 'one', character: part.length > 1 && part.startsWith('\\') ? part.slice(1) : part }
  })
}

// Greedy with one point to come back to, as for file names: a later `.*` makes an earlier one final.
function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let token = 0
  let star: { readonly token: number; text: number } | undefined
  for (let position = 0; position < text.length; ) {
    const current = tokens[token]
    if (current?.kind === 'any') {
      star = { token, text: position }
      token++
    } else if (current && (current.character === undefined || current.character === text[position])) {
      token++
      position++
    } else if (star) {
      star.text++
      token = star.token + 1
      position = star.text
    } else {
      return false
    }
  }
  return tokens.slice(token).every(({ kind }) => kind === 'any')
}
