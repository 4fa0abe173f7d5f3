/** `atoll simulate` without a scenario of the overlay: whole clouds from seeds, in processes of their own, until a promise is broken. */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { formatDuration, formatTable } from '../format-table.ts'
import { projectHome } from '../run-program.ts'

export interface SimulateCloudsOptions {
  /** One of `cloudScenarios`; default: anything goes wrong. */
  readonly scenario?: string | undefined
  readonly seeds: number
  readonly from: number
  readonly sites?: number | undefined
  readonly minutes?: number | undefined
  readonly processes: number
}

/** As `test/scenarios/run-seeds.ts` writes it. */
interface SeedLine {
  readonly seed: number
  readonly requests?: number
  readonly events?: number
  readonly simulatedMs?: number
  readonly convergedMs?: number
  readonly failure?: string
}

/** Where nobody watches. */
const LINES_PER_REPORT = 50

/** Returns false when a seed failed or did not run. */
export async function simulateClouds(options: SimulateCloudsOptions): Promise<boolean> {
  const startedMs = performance.now()
  const lines: SeedLine[] = []
  await runWorkers(options, (line) => {
    lines.push(line)
    report(lines, options, performance.now() - startedMs)
  })
  process.stdout.write(summary(lines, options, performance.now() - startedMs))
  return lines.length >= options.seeds && lines.every(({ failure }) => failure === undefined)
}

/** Every worker takes each n-th seed; the failure of one ends all. */
async function runWorkers(
  { scenario, seeds, from, sites, minutes, processes }: SimulateCloudsOptions,
  onLine: (line: SeedLine) => void,
): Promise<void> {
  const count = Math.min(Math.max(1, processes), seeds)
  const workers = Array.from({ length: count }, (_, index) => {
    const values = {
      kind: scenario,
      from: from + index,
      count: Math.ceil((seeds - index) / count),
      step: count,
      sites,
      minutes,
    }
    const given = Object.entries(values).filter(([, value]) => value !== undefined)
    const args = given.flatMap(([name, value]) => [`--${name}`, String(value)])
    return spawn('node', ['test/scenarios/run-seeds.ts', ...args], {
      cwd: projectHome,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  })
  const stopAll = () => {
    for (const worker of workers) worker.kill()
  }
  await Promise.all(
    workers.map(async (worker) => {
      for await (const text of createInterface({ input: worker.stdout })) {
        const line = JSON.parse(text) as SeedLine
        onLine(line)
        if (line.failure !== undefined) stopAll()
      }
    }),
  )
}

function report(lines: readonly SeedLine[], { seeds }: SimulateCloudsOptions, elapsedMs: number): void {
  const failure = lines.at(-1)?.failure
  if (failure !== undefined) process.stdout.write(`\n${failure}\n`)
  const isTerminal = process.stderr.isTTY
  if (!isTerminal && lines.length % LINES_PER_REPORT !== 0) return
  const text = `${lines.length} of ${seeds} seeds in ${formatDuration(elapsedMs)}`
  process.stderr.write(isTerminal ? `\r${text}` : `${text}\n`)
}

function summary(
  lines: readonly SeedLine[],
  { scenario = 'cloud', sites, minutes }: SimulateCloudsOptions,
  elapsedMs: number,
): string {
  const total = (count: (line: SeedLine) => number | undefined) =>
    lines.reduce((sum, line) => sum + (count(line) ?? 0), 0)
  const failed = lines.filter(({ failure }) => failure !== undefined)
  const table = formatTable(
    ['Scenario', 'Seeds', 'Failed', 'Requests', 'Events', 'Simulated', 'Agreed within', 'Took'],
    [
      [
        scenario,
        String(lines.length),
        String(failed.length),
        String(total(({ requests }) => requests)),
        String(total(({ events }) => events)),
        formatDuration(total(({ simulatedMs }) => simulatedMs)),
        formatDuration(Math.max(0, ...lines.map(({ convergedMs = 0 }) => convergedMs))),
        formatDuration(elapsedMs),
      ],
    ],
  )
  const command = [
    './atoll simulate',
    ...(scenario === 'cloud' ? [] : [scenario]),
    ...(sites === undefined ? [] : [`--sites ${sites}`]),
    ...(minutes === undefined ? [] : [`--minutes ${minutes}`]),
  ].join(' ')
  const again = failed.map(({ seed }) => `again with: ${command} --from ${seed} --seeds 1\n`).join('')
  return `\n${table}\n${again}`
}
