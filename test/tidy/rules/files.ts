/** How files are named, how long they are, and how they begin. */

import type { Rule } from '../rule.ts'
import type { Source } from '../source.ts'

const LINES_MAX = 800
const LINES_EXPLAINED = 400
/** Begins the sentence of a header that says why a file is long. */
const REASON = 'One file because'

const kebabCase: Rule = {
  name: 'files and folders are named in kebab-case',
  find: ({ path }) => {
    const odd = path.split('/').find((part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/.test(part))
    return odd ? [{ path, line: 1, advice: `rename ${odd} in kebab-case, after its main export` }] : []
  },
  bad: [
    ['packages/kit/src/defineError.ts', ''],
    ['packages/kit/src/Some_Folder/error.ts', ''],
  ],
  good: [['packages/kit/src/define-error.test.ts', '']],
}

const fileLength: Rule = {
  name: `a file of more than ${LINES_EXPLAINED} lines says why, and none has more than ${LINES_MAX}`,
  find: (source) => {
    const { path, text } = source
    const lines = text.trimEnd().split('\n').length
    if (lines > LINES_MAX)
      return [{ path, line: lines, advice: `has ${lines} lines; split it into files of 50 to 200` }]
    if (lines <= LINES_EXPLAINED || headerOf(source)?.includes(REASON)) return []
    const advice = `has ${lines} lines; split it, or say in its header why it is long ("${REASON} …")`
    return [{ path, line: 1, advice }]
  },
  bad: [
    ['a.ts', `/** All of it. */\n${'x\n'.repeat(400)}`],
    ['a.ts', `/** All of it. One file because it is one machine. */\n${'x\n'.repeat(800)}`],
  ],
  good: [
    ['a.ts', `/** All of it.\n * One file because it is one machine. */\n${'x\n'.repeat(500)}`],
    ['a.ts', 'x\n'.repeat(400)],
  ],
}

const header: Rule = {
  name: 'a source begins with a sentence that says what it is for',
  find: (source) => {
    const { path } = source
    // The names of its tests say what a test file is for.
    if (path.endsWith('.test.ts')) return []
    const text = headerOf(source)
    if (text && /^\S[\s\S]{10,}[.:?!]/.test(text)) return []
    return [{ path, line: 1, advice: 'begin with /** a sentence that says what the file is for. */' }]
  },
  bad: [
    ['a.ts', "import a from 'node:fs'\n"],
    ['a.ts', '/** Things */\nx()\n'],
  ],
  good: [['a.ts', '#!/usr/bin/env node\n/** Starts a peer of a site. */\n']],
}

const barrel: Rule = {
  name: 'only src/index.ts hands on what other files export',
  find: ({ path, code }) => {
    if (/^[^/]+\/[^/]+\/src\/index\.ts$/.test(path)) return []
    const line =
      code.split('\n').findIndex((text) => /^export\s+(type\s+)?(\*|\{[^}]*\}\s+from\b)/.test(text)) + 1
    return line > 0
      ? [{ path, line, advice: 'import it from the file that defines it; src/index.ts alone re-exports' }]
      : []
  },
  bad: [['packages/a/src/b/index.ts', "export * from './c.ts'\n"]],
  good: [
    ['packages/a/src/index.ts', "export * from './c.ts'\n"],
    ['packages/a/src/b.ts', 'export const c = 1\n'],
  ],
}

export const fileRules: readonly Rule[] = [kebabCase, fileLength, header, barrel]

/** Text of the comment that a file begins with. */
function headerOf({ text, comments }: Source): string | undefined {
  const [first] = comments
  const before = text.replace(/^#!.*\n/, '').trimStart()
  return first?.isBlock && before.startsWith('/*') ? first.text : undefined
}
