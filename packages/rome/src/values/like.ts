/** SQLite's LIKE: `%` is any text, `_` one character, and ASCII letters are the same in both cases. */

/** SQLITE_MAX_LIKE_PATTERN_LENGTH: a longer one is refused there, too. */
const PATTERN_CHARACTERS_MAX = 50_000
/** Patterns are few, and the same one is used for every row. */
const COMPILED_MAX = 100

const compiled = new Map<string, (text: string) => boolean>()

/** @throws RangeError for a pattern of more than 50 000 characters */
export function like(text: string, pattern: string): boolean {
  let matches = compiled.get(pattern)
  if (!matches) {
    matches = compile(pattern)
    if (compiled.size >= COMPILED_MAX) compiled.clear()
    compiled.set(pattern, matches)
  }
  return matches(text)
}

/** The text that everything which matches begins with, in any case. */
export function likePrefix(pattern: string): string {
  const end = pattern.search(/[%_\0]/)
  return end < 0 ? pattern : pattern.slice(0, end)
}

// Greedy matching with one point of return: the latest `%`. Linear for most patterns, and never exponential.
function compile(whole: string): (text: string) => boolean {
  if (whole.length > PATTERN_CHARACTERS_MAX) throw new RangeError('LIKE or GLOB pattern too complex')
  const pattern = characters(whole)
  return (wholeText) => {
    const text = characters(wholeText)
    let at = 0
    let next = 0
    let afterPercent = -1
    let resumed = 0
    while (at < text.length) {
      const wanted = pattern[next]
      if (wanted === '%') {
        afterPercent = ++next
        resumed = at
      } else if (wanted !== undefined && (wanted === '_' || wanted === text[at])) {
        at++
        next++
      } else if (afterPercent >= 0) {
        next = afterPercent
        at = ++resumed
      } else return false
    }
    while (pattern[next] === '%') next++
    return next === pattern.length
  }
}

// SQLite reads up to the first NUL.
function characters(text: string): readonly string[] {
  const end = text.indexOf('\0')
  const lower = lowerAscii(end < 0 ? text : text.slice(0, end))
  return Array.from(lower)
}

export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

export function upperAscii(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())
}
