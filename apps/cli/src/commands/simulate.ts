/**
 * `atoll simulate`: whole clouds from seeds, in two processes, until a promise is broken or all seeds have run; or, with a
 * scenario, the overlay of many sites.
 */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Command } from 'commander'
import { formatDuration, formatTable } from '../format-table.ts'
import { parseWholeNumber } from '../parse-values.ts'
import { projectHome } from '../run-program.ts'

const WORKERS = 2

interface SimulateOptions {
  readonly seeds: number
  readonly from: number
  readonly sites?: number
}

interface ScenarioOptions {
  readonly seed: number
  readonly minutes?: number
  readonly rtt?: string
  readonly loss: number
  readonly slow: number
  readonly csv?: string
  readonly svg?: string
}

/** As `test/scenarios/run-seeds.ts` writes it. */
interface SeedLine {
  readonly seed: number
  readonly requests?: number
  readonly events?: number
  readonly simulatedMs?: number
  readonly failure?: string
}

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('try whole clouds in a simulation, one from each seed; or the overlay of many sites')
    .argument('[scenario]', 'of the overlay; without one, whole clouds')
    .option('--seeds <count>', 'how many seeds', parseWholeNumber, 100)
    .option('--from <seed>', 'the first seed', parseWholeNumber, 1)
    .option(
      '--sites <count>',
      'sites of each cloud, 2 to 8 (default: three to five, by the seed); of a scenario, 1000 by default',
      parseWholeNumber,
    )
    .option('--seed <seed>', 'of a scenario', parseWholeNumber, 1)
    .option('--minutes <count>', 'simulated, for the main part of a scenario', parseWholeNumber)
    .option('--rtt <file>', 'measured round trips for a scenario (default: made up from coordinates)')
    .option('--loss <percent>', 'of the datagrams of a scenario', parseWholeNumber, 5)
    .option(
      '--slow <percent>',
      'of the sites of a scenario, which stand still now and then',
      parseWholeNumber,
      10,
    )
    .option('--csv <file>', 'writes the figures of a scenario')
    .option('--svg <directory>', 'writes plots of its distributions')
    .addHelpText(
      'after',
      `
Each seed is one run: clients work while peers die, power is lost and links are cut, then everything is healed and
checked. A seed that fails is printed with what happened last, and fails in the same way whenever it is run.

Scenarios of the overlay (membership, failure detection, dissemination), which end with 1 when a bar does not hold:
  join-storm, steady, churn, mass-failure, islands, drift, hostile, wake-up

Examples:
  $ ./atoll simulate --seeds 1000
  $ ./atoll simulate steady --sites 1000 --seed 7 --svg plots
  $ ./atoll simulate --from 4711 --seeds 1`,
    )
    .action(async (scenario: string | undefined, options: SimulateOptions & ScenarioOptions) => {
      if (scenario !== undefined) {
        // Only here: every other command starts without the simulator.
        const { simulateOverlay } = await import('./simulate-overlay.ts')
        const { sites = 1000, seed, minutes, rtt, csv, svg } = options
        const shares = { loss: options.loss / 100, slow: options.slow / 100 }
        if (!simulateOverlay({ scenario, sites, seed, minutes, rtt, csv, svg, ...shares }))
          process.exitCode = 1
        return
      }
      const startedMs = performance.now()
      const lines: SeedLine[] = []
      await runWorkers(options, (line) => {
        lines.push(line)
        report(lines, options, performance.now() - startedMs)
      })
      process.stdout.write(summary(lines, performance.now() - startedMs))
      if (lines.length < options.seeds || lines.some(({ failure }) => failure !== undefined))
        process.exitCode = 1
    })
}

/** Every worker takes each second seed; the failure of one ends all. */
async function runWorkers(
  { seeds, from, sites }: SimulateOptions,
  onLine: (line: SeedLine) => void,
): Promise<void> {
  const count = Math.min(WORKERS, seeds)
  const workers = Array.from({ length: count }, (_, index) => {
    const share = Math.ceil((seeds - index) / count)
    const values = [from + index, share, count, ...(sites === undefined ? [] : [sites])].map(String)
    return spawn('node', ['test/scenarios/run-seeds.ts', ...values], {
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

function report(lines: readonly SeedLine[], { seeds }: SimulateOptions, elapsedMs: number): void {
  const failure = lines.at(-1)?.failure
  if (failure !== undefined) process.stdout.write(`\n${failure}\n`)
  const isTerminal = process.stderr.isTTY
  if (!isTerminal && lines.length % 50 !== 0) return
  const text = `${lines.length} of ${seeds} seeds in ${formatDuration(elapsedMs)}`
  process.stderr.write(isTerminal ? `\r${text}` : `${text}\n`)
}

function summary(lines: readonly SeedLine[], elapsedMs: number): string {
  const total = (count: (line: SeedLine) => number | undefined) =>
    lines.reduce((sum, line) => sum + (count(line) ?? 0), 0)
  const failed = lines.filter(({ failure }) => failure !== undefined)
  const table = formatTable(
    ['Seeds', 'Failed', 'Requests', 'Events', 'Simulated', 'Took'],
    [
      [
        String(lines.length),
        String(failed.length),
        String(total(({ requests }) => requests)),
        String(total(({ events }) => events)),
        formatDuration(total(({ simulatedMs }) => simulatedMs)),
        formatDuration(elapsedMs),
      ],
    ],
  )
  const again = failed.map(({ seed }) => `again with: ./atoll simulate --from ${seed} --seeds 1\n`).join('')
  return `\n${table}\n${again}`
}
