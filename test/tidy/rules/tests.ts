/** Tests state facts, all of them run, and none of them waits for time to pass. */

import { forbid, type Rule } from '../rule.ts'

const isTest = (path: string) => path.endsWith('.test.ts')

const AWAIT_A_FACT = 'wait for a condition, with a bound on the tries; or hand in a clock that the test moves'

const noSleep = forbid({
  name: 'no test sleeps',
  pattern: /(?<![.\w])(?:setTimeout|setInterval)\(/g,
  inside: 'code',
  advice: AWAIT_A_FACT,
  applies: isTest,
  bad: [['a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 100))']],
  good: [['a.test.ts', "runInAnotherProcess('setTimeout(() => {}, 60000)')"]],
})

const noTimers = forbid({
  name: 'no test imports timers',
  pattern: /from\s+'node:timers\/promises'/g,
  inside: 'uncommented',
  advice: AWAIT_A_FACT,
  applies: isTest,
  bad: [['a.test.ts', "import { setTimeout } from 'node:timers/promises'"]],
})

const noneLeftOut = forbid({
  name: 'no test is singled out, and none is left out without a reason',
  pattern:
    /\.only\(|\bonly:\s*true|\.(?:skip|todo)\(\s*\)|(?:^|\s)(?:test|it|describe|suite)\.(?:skip|todo)\(|\b(?:skip|todo):\s*true/g,
  inside: 'uncommented',
  advice: 'run it, or give the reason: { skip: condition && "why" }',
  applies: isTest,
  bad: [
    ['a.test.ts', "test.only('a fact', () => {})"],
    ['a.test.ts', "test.skip('a fact', () => {})"],
    ['a.test.ts', 't.skip()'],
    ['a.test.ts', "test('a fact', { skip: true }, () => {})"],
  ],
  good: [
    ['a.test.ts', "test('a fact', { skip: !isRoot && 'needs root' }, () => {})"],
    ['a.test.ts', "t.skip('needs root')"],
  ],
})

const namedAsFacts = forbid({
  name: 'a test is named after the fact that it states',
  pattern: /(?:^|\s)(?:test|it)\(\s*['"`](?:should|tests?|works)\b/g,
  inside: 'uncommented',
  advice: 'name the fact: `a deleted port gives its address back`',
  applies: isTest,
  bad: [['a.test.ts', "test('should work', () => {})"]],
  good: [['a.test.ts', "test('work at one site goes on while another is cut off', () => {})"]],
})

export const testRules: readonly Rule[] = [noSleep, noTimers, noneLeftOut, namedAsFacts]
