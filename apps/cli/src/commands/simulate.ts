/**
 * `atoll simulate`: whole clouds from seeds, in two processes, until a promise is broken or all seeds have run; or, with a
 * scenario of the overlay, many sites of that alone.
 */

import { Command } from 'commander'
import { parseWholeNumber } from '../parse-values.ts'
import { cloudScenarios } from './cloud-scenarios.ts'

interface Options {
  readonly seeds: number
  readonly from: number
  readonly sites?: number
  readonly processes: number
  readonly seed: number
  readonly minutes?: number
  readonly rtt?: string
  readonly loss: number
  readonly slow: number
  readonly csv?: string
  readonly svg?: string
}

export function simulateCommand(): Command {
  return new Command('simulate')
    .description('try whole clouds in a simulation, one from each seed; or the overlay of many sites')
    .argument(
      '[scenario]',
      'of whole clouds or of the overlay; without one, whole clouds in which anything goes wrong',
    )
    .option('--seeds <count>', 'of whole clouds: how many seeds', parseWholeNumber, 100)
    .option('--from <seed>', 'the first seed', parseWholeNumber, 1)
    .option(
      '--sites <count>',
      'sites of each cloud, 2 to 8 (default: three to five, by the seed); of the overlay: 1000',
      parseWholeNumber,
    )
    .option('--processes <count>', 'that try whole clouds at the same time', parseWholeNumber, 2)
    .option('--seed <seed>', 'of a scenario of the overlay', parseWholeNumber, 1)
    .option('--minutes <count>', 'simulated, for the main part of a scenario', parseWholeNumber)
    .option('--rtt <file>', 'measured round trips for the overlay (default: made up from coordinates)')
    .option('--loss <percent>', 'of the datagrams of the overlay', parseWholeNumber, 5)
    .option(
      '--slow <percent>',
      'of the sites of the overlay, which stand still now and then',
      parseWholeNumber,
      10,
    )
    .option('--csv <file>', 'writes the figures of a scenario of the overlay')
    .option('--svg <directory>', 'writes plots of its distributions')
    .addHelpText(
      'after',
      `
Each seed is one run: clients work while peers die, power is lost and links are cut, then everything is healed and
checked. A seed that fails is printed with what happened last, and fails in the same way whenever it is run.

Scenarios of whole clouds, each with a course of its own:
${[...cloudScenarios].map(([name, what]) => `  ${name.padEnd(16)}${what}`).join('\n')}

Scenarios of the overlay (membership, failure detection, dissemination), which end with 1 when a bar does not hold:
  join-storm, steady, churn, mass-failure, islands, drift, hostile, wake-up

Examples:
  $ ./atoll simulate --seeds 1000
  $ ./atoll simulate cloud-islands --seeds 500
  $ ./atoll simulate steady --sites 1000 --seed 7 --svg plots
  $ ./atoll simulate --from 4711 --seeds 1`,
    )
    .action(async (scenario: string | undefined, options: Options) => {
      const isHolding =
        scenario === undefined || cloudScenarios.has(scenario)
          ? await tryClouds(scenario, options)
          : await tryOverlay(scenario, options)
      if (!isHolding) process.exitCode = 1
    })
}

// Each only when it is wanted: every other command starts without the simulator.
async function tryClouds(scenario: string | undefined, options: Options): Promise<boolean> {
  const { simulateClouds } = await import('./simulate-clouds.ts')
  const { seeds, from, sites, minutes, processes } = options
  return simulateClouds({ scenario, seeds, from, sites, minutes, processes })
}

async function tryOverlay(scenario: string, options: Options): Promise<boolean> {
  const { simulateOverlay } = await import('./simulate-overlay.ts')
  const { sites = 1000, seed, minutes, rtt, csv, svg } = options
  const shares = { loss: options.loss / 100, slow: options.slow / 100 }
  return simulateOverlay({ scenario, sites, seed, minutes, rtt, csv, svg, ...shares })
}
