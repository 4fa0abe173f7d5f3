/** The world is injected: clock, randomness and the terminal are parameters everywhere but in the outermost shell. */

import { forbid, type Rule } from '../rule.ts'
import { isTestCode } from '../source.ts'

/**
 * Where the machine's own clock, randomness and console may be touched, and why. A file that does not need its entry
 * any more fails the tests; a folder is a shell by what it is for.
 */
export const SHELL: Readonly<Record<string, string>> = {
  'packages/kit/src/clock.ts': 'it is the clock of production',
  'packages/kit/src/random.ts': 'it is the randomness of production',
  'packages/images/src/disk-files.ts': 'it is the disk of production, and files carry the time of that disk',
  'packages/overlay/src/trust/key-store.ts':
    'it is the disk of production; the name of a temporary file is never seen',
  'packages/hypervisor/src/qemu/crashing-peer.ts': 'it is a process that a test starts in order to kill it',
  'packages/lab/src/': 'it drives real processes on a real machine; nothing of it runs in the simulator',
  'packages/sdk/src/': 'it speaks to real clouds for tools of ours; nothing of it runs in the simulator',
  'apps/cli/src/': 'it is the process that an operator starts',
  'apps/peer/src/found-site.ts': 'it makes the first secrets of a site on the operator’s machine',
}

const isShell = (path: string) => Object.keys(SHELL).some((place) => path.startsWith(place))

/** What the simulator runs is held to the same rule as what production runs. */
const isSimulated = (path: string) => path.startsWith('test/scenarios/') && !path.endsWith('.test.ts')

const AMBIENT = [
  String.raw`Date\.now\(`,
  String.raw`new Date\(\)`,
  String.raw`performance\.now\(`,
  String.raw`(?<![.\w])set(?:Timeout|Interval)\(`,
  String.raw`Math\.random\(`,
  String.raw`\brandom(?:UUID|Bytes|Int)\(`,
  String.raw`AbortSignal\.timeout\(`,
]

/** Finds ambient time and randomness wherever it is; the rule below leaves out where it may be. */
export const ambientWorld = new RegExp(AMBIENT.join('|'), 'g')

const injected = forbid({
  name: 'clock and randomness are parameters',
  pattern: ambientWorld,
  inside: 'code',
  advice: ([what]) =>
    `take a Clock or a Random of @atoll/kit instead of ${what.replace('(', '')}, so that a seed replays the run`,
  applies: (path) => !isShell(path) && (!isTestCode(path) || isSimulated(path)),
  bad: [
    ['packages/a/src/b.ts', 'const now = Date.now()'],
    ['services/a/src/b.ts', 'setTimeout(go, 5)'],
    ['services/a/src/b.ts', 'const id = crypto.randomUUID()'],
    ['apps/peer/src/b.ts', 'const signal = AbortSignal.timeout(5)'],
    ['test/scenarios/b.ts', 'const now = Date.now()'],
  ],
  good: [
    ['packages/a/src/b.ts', 'const date = new Date(row.created_at)'],
    ['packages/a/src/b.ts', 'socket.setTimeout(5)'],
    ['packages/kit/src/clock.ts', 'Date.now()'],
    ['packages/a/src/b.test.ts', 'Date.now()'],
  ],
})

const noTimers = forbid({
  name: 'nothing but the shell imports timers',
  pattern: /from\s+'node:timers(?:\/promises)?'/g,
  inside: 'uncommented',
  advice: 'use `sleep` and `Clock.after` of @atoll/kit',
  applies: (path) => !isShell(path) && (!isTestCode(path) || isSimulated(path)),
  bad: [['packages/a/src/b.ts', "import { setTimeout } from 'node:timers/promises'"]],
})

const noConsole = forbid({
  name: 'only the shell and the benchmarks write to the console',
  pattern: /(?<![.\w])console\.(?:log|info|warn|error|debug|trace|table|dir)\(/g,
  inside: 'code',
  advice: 'log through the Logger that the composition hands in',
  applies: (path) => !isShell(path) && !path.startsWith('bench/'),
  bad: [['packages/a/src/b.ts', "console.log('x')"]],
  good: [
    ['apps/cli/src/b.ts', "console.log('x')"],
    ['packages/a/src/b.ts', "console.said('x')"],
  ],
})

export const worldRules: readonly Rule[] = [injected, noTimers, noConsole]
