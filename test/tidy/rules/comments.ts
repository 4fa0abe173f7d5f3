/** Comments say why; they hold neither plans nor code nor anything of the place where they were written. */

import { forbid, type Rule } from '../rule.ts'

// The words are written apart, so that this file does not break its own rule.
const MARKS = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK']

const noMarks = forbid({
  name: `no ${MARKS.join(', ')}`,
  pattern: new RegExp(`\\b(${MARKS.join('|')})\\b`, 'g'),
  inside: 'text',
  advice: ([mark]) => `do what ${mark} says, or take it out`,
  bad: MARKS.map((mark) => ['a.ts', `// ${mark}: later`] as const),
  good: [['a.ts', 'const HACKNEY = 1']],
})

/** Beginnings and ends of lines that no sentence has. */
const CODE_LINE = [
  /^(export\s+)?(const|let|var)\s+[\w{[].*=/,
  /^import\s.*from\s+['"]/,
  /^(export\s+)?(async\s+)?function\b.*\{$/,
  /^(if|for|while|switch)\s*\(.*\)\s*(\{|\w+.*[()=].*)?$/,
  /^(return|throw|await|yield)\s+[\w.#]+\(.*\)$/,
  /^[\w.#]+\((.*)\)[;,]?$/,
  /^[a-z#][\w.#]*\s*=\s*\S.*[)\]}'";]$/,
  /^[\])}]+[;,]?$/,
]

const noDeadCode: Rule = {
  name: 'no code in comments',
  find: ({ path, comments }) =>
    comments
      .filter(({ isBlock, text }) => !isBlock && CODE_LINE.some((pattern) => pattern.test(text)))
      .map(({ line }) => ({ path, line, advice: 'delete the code; the history keeps it' })),
  bad: [
    ['a.ts', '// const a = b()'],
    ['a.ts', '// if (a) return b(c)'],
    ['a.ts', '// await store.close()'],
    ['a.ts', '// }'],
  ],
  good: [
    ['a.ts', '// The store is closed by `close()`, so that a crash loses nothing.'],
    ['a.ts', '// (a, b) after (x, y)  ⇔  a after x, or a = x and b after y.'],
    ['a.ts', '// for each site one follower, since a slow one must not hold up the rest.'],
    ['a.ts', '// return values are checked by the caller.'],
    ['a.ts', '// RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5'],
  ],
}

const noSuppression = forbid({
  name: 'a checker is silenced for a stated reason only',
  pattern:
    /@ts-(ignore|nocheck)|@ts-expect-error\s*$|(?:ox|es)lint-disable(?![^\n]*--\s*\w)|biome-ignore[^:\n]*$/gm,
  inside: 'text',
  advice: 'mend what the checker found, or say why it is wrong here',
  applies: (path) => !path.startsWith('test/tidy/'),
  bad: [
    ['a.ts', '// @ts-ignore'],
    ['a.ts', '// @ts-expect-error\n'],
    ['a.ts', '// oxlint-disable-next-line no-eval'],
  ],
  good: [
    ['a.ts', '// @ts-expect-error: the second argument must be refused by the type'],
    ['a.ts', '// oxlint-disable-next-line no-eval -- the test is about eval'],
  ],
})

export const commentRules: readonly Rule[] = [noMarks, noDeadCode, noSuppression]
