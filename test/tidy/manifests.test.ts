import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import test from 'node:test'
import { projectHome } from './source.ts'
import { declared, readManifest, readWorkspaces, type Workspace } from './workspaces.ts'

const root: Workspace = { folder: '.', manifest: readManifest('.') ?? { name: '' } }
const workspaces = readWorkspaces()
const all = [root, ...workspaces]

test('every version is pinned exactly', () => {
  const loose = all.flatMap((one) =>
    Object.entries(declared(one))
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `${one.folder}/package.json: pin ${name} exactly, not ${version}`),
  )
  assert.deepEqual(loose, [])
})

test('a package has one version in all workspaces', () => {
  const known = new Map<string, string>()
  for (const one of all)
    for (const [name, version] of Object.entries(declared(one))) {
      assert.equal(
        version,
        known.get(name) ?? version,
        `${one.folder}/package.json: ${name} has another version elsewhere`,
      )
      known.set(name, version)
    }
})

test('a workspace is named after its folder and exports files that exist', () => {
  for (const { folder, manifest } of workspaces) {
    assert.equal(manifest.name, `@atoll/${folder.split('/').at(-1)}`)
    for (const target of Object.values(manifest.exports ?? {}))
      assert.ok(
        existsSync(`${projectHome}${folder}/${target}`),
        `${folder}/package.json exports ${target}, which does not exist`,
      )
  }
})
