/** The workspaces as their manifests declare them. */

import { globSync, readFileSync } from 'node:fs'
import { projectHome } from './source.ts'

export interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, string>>
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
}

export type Versions = Readonly<Record<string, string>>

export interface Workspace {
  /** `packages/kit`; empty for the root. */
  readonly folder: string
  readonly manifest: Manifest
}

export function readWorkspaces(): readonly Workspace[] {
  const folders = globSync(['{packages,services,apps}/*', 'test', 'bench'], { cwd: projectHome }).sort()
  return folders.flatMap((folder) => {
    const manifest = readManifest(folder)
    return manifest ? [{ folder, manifest }] : []
  })
}

export function readManifest(folder: string): Manifest | undefined {
  const [path] = globSync('package.json', { cwd: projectHome + folder })
  if (path === undefined) return undefined
  return JSON.parse(readFileSync(`${projectHome}${folder}/${path}`, 'utf8')) as Manifest
}

/** The workspace that a file belongs to. */
export function workspaceOf(workspaces: readonly Workspace[], path: string): Workspace | undefined {
  return workspaces.find(({ folder }) => path.startsWith(`${folder}/`))
}

/** Everything that the manifest declares, by name. */
export function declared({ manifest }: Workspace): Versions {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
}
