/** `atoll test`: everything that must hold, fast tests first. One process per package, as start-up dominates. */

import { existsSync, globSync } from 'node:fs'
import { Command } from 'commander'
import { projectHome, runProgram } from './run-program.ts'

export function testCommand(): Command {
  return new Command('test')
    .description('run the tests')
    .argument('[places...]', 'packages, folders or files (default: all)')
    .action(async (places: string[]) => {
      const groups = places.length > 0 ? places : workspaces()
      let failed = 0
      for (const place of groups) {
        const files = place.endsWith('.ts')
          ? [place]
          : globSync(`${place}/**/*.test.ts`, { cwd: projectHome })
        if (files.length === 0) continue
        process.stdout.write(`\n── ${place}\n`)
        const args = ['--test', '--test-isolation=none', '--test-reporter=spec', ...files.sort()]
        if ((await runProgram('node', args)) !== 0) failed++
      }
      if (failed > 0) process.exit(1)
    })
}

function workspaces(): string[] {
  return globSync(['packages/*', 'services/*', 'apps/*', 'test/*'], { cwd: projectHome })
    .filter((place) => existsSync(`${projectHome}/${place}`))
    .sort(byKind)
}

const order = ['packages', 'services', 'apps', 'test']
function byKind(left: string, right: string): number {
  const kind = (place: string) => order.indexOf(place.split('/')[0] ?? '')
  return kind(left) - kind(right) || (left < right ? -1 : 1)
}
