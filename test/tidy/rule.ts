/** What a rule is: it looks at one source at a time and says what to do about each thing it finds. */

import { lineAt, parseSource, type Source } from './source.ts'

export interface Rule {
  /** A fact about every source: `no file is longer than 800 lines`. */
  readonly name: string
  readonly find: (source: Source) => readonly Finding[]
  /** Sources in which the rule must find something: it proves that it can fail. */
  readonly bad: readonly Example[]
  /** Sources in which it must find nothing, where that is not obvious. */
  readonly good?: readonly Example[]
}

export type Example = readonly [path: string, text: string]

export interface Finding {
  readonly path: string
  readonly line: number
  /** What to do, as a sentence. */
  readonly advice: string
}

/** One line for a person: where, and what to do. */
export function describe({ path, line, advice }: Finding): string {
  return `${path}:${line}: ${advice}`
}

export function findingsIn(rule: Rule, [path, text]: Example): readonly Finding[] {
  return rule.find(parseSource(path, text))
}

export interface PatternRule {
  readonly name: string
  /** Looked for everywhere; must have the flag `g`. */
  readonly pattern: RegExp
  /** Where: with literals (`uncommented`), without (`code`), or the whole text. */
  readonly inside: 'code' | 'uncommented' | 'text'
  readonly advice: string | ((match: RegExpMatchArray) => string)
  readonly applies?: (path: string) => boolean
  readonly bad: readonly Example[]
  readonly good?: readonly Example[]
}

/** A rule that forbids a pattern. */
export function forbid({ pattern, inside, advice, applies = () => true, ...rest }: PatternRule): Rule {
  const find = (source: Source) => {
    if (!applies(source.path)) return []
    return [...source[inside].matchAll(pattern)].map((match) => ({
      path: source.path,
      line: lineAt(source.text, match.index),
      advice: typeof advice === 'string' ? advice : advice(match),
    }))
  }
  return { ...rest, find }
}
