/** What sources import, and whether they may: by the layers, by the manifests, and through front doors only. */

import { posix } from 'node:path'
import { refuseImport } from './layers.ts'
import type { Finding } from './rule.ts'
import { isTestCode, lineAt, type Source } from './source.ts'
import { declared, type Versions, type Workspace, workspaceOf } from './workspaces.ts'

export interface Import {
  readonly path: string
  readonly line: number
  /** As it is written: `./a.ts`, `node:fs`, `@atoll/kit`. */
  readonly specifier: string
}

const STATEMENT = /^(?:import|export)\s(?:[^'"`;()=]*?\bfrom\s*)?'([^']+)'|\bimport\(\s*'([^']+)'/gm

export function importsOf({ path, code, uncommented }: Source): readonly Import[] {
  return [...uncommented.matchAll(STATEMENT)]
    .map((match) => ({ match, start: match.index + match[0].search(/import|export/) }))
    .filter(({ start }) => code.slice(start, start + 6) !== ' '.repeat(6))
    .map(({ match }) => ({
      path,
      line: lineAt(uncommented, match.index + match[0].lastIndexOf("'") - 1),
      specifier: match[1] ?? match[2] ?? '',
    }))
}

/** `@atoll/kit` of `@atoll/kit/deep`, `yaml` of `yaml`; undefined for files and what Node brings. */
export function packageOf(specifier: string): string | undefined {
  if (/^[./]|^node:/.test(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Everything that is wrong with the imports of `source`. `shared` is what the root brings for tests. */
export function checkImports(
  source: Source,
  workspaces: readonly Workspace[],
  shared: Versions,
): readonly Finding[] {
  const from = workspaceOf(workspaces, source.path)
  if (!from) return []
  return importsOf(source).flatMap((found) => {
    const advice = found.specifier.startsWith('.')
      ? refuseFile(found, from)
      : refusePackage(found, { from, workspaces, shared })
    return advice === undefined ? [] : [{ path: found.path, line: found.line, advice }]
  })
}

function refuseFile({ path, specifier }: Import, { folder }: Workspace): string | undefined {
  const target = posix.join(posix.dirname(path), specifier)
  if (!target.startsWith(`${folder}/`)) return `import it by the name of its package, not by ${specifier}`
  if (target === `${folder}/src/index.ts`)
    return 'import the file that defines it; the index is for other packages'
  return undefined
}

function refusePackage(
  { path, specifier }: Import,
  { from, workspaces, shared }: { from: Workspace; workspaces: readonly Workspace[]; shared: Versions },
): string | undefined {
  const name = packageOf(specifier)
  if (name === undefined || name === from.manifest.name) return undefined
  const isTest = isTestCode(path)
  const isDeclared = name in (isTest ? { ...declared(from), ...shared } : (from.manifest.dependencies ?? {}))
  if (!isDeclared) {
    const place = isTest ? 'dependencies or devDependencies' : 'dependencies'
    return `add ${name} to the ${place} of ${from.folder}/package.json`
  }
  const to = workspaces.find(({ manifest }) => manifest.name === name)
  if (!to) return undefined
  const entry = `.${specifier.slice(name.length)}`
  if (!(entry in (to.manifest.exports ?? {})))
    return `import from ${name} itself; ${specifier} is private to it`
  return refuseImport(from.folder, to.folder)
}
