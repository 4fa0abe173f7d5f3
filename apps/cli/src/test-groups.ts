/** Which tests run together: one process for each workspace, since start-up dominates; two processes where that is safe. */

import { existsSync, globSync } from 'node:fs'
import { projectHome } from './run-program.ts'

export interface TestGroup {
  /** As the headline calls it: the workspace or the place that was asked for. */
  readonly place: string
  readonly files: readonly string[]
  /** True when it drives namespaces, guests or whole clouds, whose timing a neighbour would disturb. */
  readonly isAlone: boolean
}

const ALONE = ['packages/lab', 'packages/fabric', 'packages/hypervisor', 'test']

/** Groups of all workspaces, packages first, then what stands on them; or of the places asked for, in that order. */
export function testGroups(places: readonly string[]): readonly TestGroup[] {
  return (places.length > 0 ? places : workspaces())
    .map((place) => place.replace(/^\.\/|\/+$/g, ''))
    .map((place) => ({ place, files: testFiles(place), isAlone: isAlone(place) }))
    .filter(({ files }) => files.length > 0)
}

function testFiles(place: string): readonly string[] {
  return place.endsWith('.ts')
    ? [place]
    : globSync(`${place}/**/*.test.ts`, {
        cwd: projectHome,
        exclude: ['**/node_modules/**', 'node_modules/**'],
      }).sort()
}

function isAlone(place: string): boolean {
  return ALONE.some((each) => place === each || place.startsWith(`${each}/`))
}

const ORDER = ['packages', 'services', 'apps', 'bench', 'test']

function workspaces(): readonly string[] {
  const rank = (place: string) => ORDER.indexOf(place.split('/')[0] ?? '')
  return globSync(['packages/*', 'services/*', 'apps/*', 'bench', 'test/*'], { cwd: projectHome })
    .filter((place) => existsSync(`${projectHome}/${place}`))
    .sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1))
}
