import assert from 'node:assert/strict'
import test from 'node:test'
import { checkImports, importsOf } from './imports.ts'
import { refuseImport, SERVICES_OF_SERVICES } from './layers.ts'
import { describe } from './rule.ts'
import { parseSource, readSources } from './source.ts'
import { declared, readManifest, readWorkspaces, type Workspace } from './workspaces.ts'

const workspaces = readWorkspaces()
const sources = readSources()
const shared = readManifest('.')?.devDependencies ?? {}

const workspace = (folder: string, dependencies: readonly string[] = []): Workspace => ({
  folder,
  manifest: {
    name: `@atoll/${folder.split('/').at(-1)}`,
    exports: { '.': './src/index.ts' },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, '1.0.0'])),
  },
})

const adviceFor = (path: string, text: string, ...others: Workspace[]) =>
  checkImports(parseSource(path, text), others, {}).map(({ advice }) => advice)

test('every import goes to a lower layer, through the front door, and is declared', () => {
  const findings = sources.flatMap((source) => checkImports(source, workspaces, shared))
  assert.deepEqual(findings.map(describe), [])
})

test('every declared package is imported', () => {
  const unused = workspaces.flatMap((one) => {
    const used = sources
      .filter(({ path }) => path.startsWith(`${one.folder}/`))
      .flatMap(importsOf)
      .map(({ specifier }) => specifier)
    return Object.keys(declared(one))
      .filter((name) => !used.some((specifier) => specifier === name || specifier.startsWith(`${name}/`)))
      .map((name) => `${one.folder}/package.json: take out ${name}, which nothing imports`)
  })
  assert.deepEqual(unused, [])
})

test('an import of an upper layer is refused', () => {
  assert.match(refuseImport('packages/kit', 'packages/rome') ?? '', /not below/)
  assert.match(refuseImport('packages/http', 'services/compute') ?? '', /not below/)
  assert.match(refuseImport('services/compute', 'apps/peer') ?? '', /not below/)
  assert.match(refuseImport('packages/unheard-of', 'packages/kit') ?? '', /give .* a place/)
  assert.equal(refuseImport('services/federation', 'packages/overlay'), undefined)
})

test('a service does not import another', () => {
  assert.match(refuseImport('services/compute', 'services/network') ?? '', /interface/)
})

test('production does not stand on the lab', () => {
  assert.match(refuseImport('apps/peer', 'packages/lab') ?? '', /for apps\/cli/)
  assert.equal(refuseImport('test', 'packages/lab'), undefined)
})

test('every exception between services is in use', () => {
  const used = new Set(
    sources.flatMap((source) =>
      importsOf(source).map(
        ({ specifier }) => `${source.path.split('/').slice(0, 2).join('/')} ${specifier}`,
      ),
    ),
  )
  for (const [from, targets] of Object.entries(SERVICES_OF_SERVICES))
    for (const to of Object.keys(targets)) {
      const name = workspaces.find(({ folder }) => folder === to)?.manifest.name
      assert.ok(used.has(`${from} ${name}`), `take out ${from} → ${to}: nothing uses it`)
    }
})

test('an import that is not declared, deep, or around the package is refused', () => {
  const kit = workspace('packages/kit')
  const path = 'packages/rome/src/a.ts'
  const rome = workspace('packages/rome', ['@atoll/kit'])
  assert.deepEqual(adviceFor(path, "import { a } from '@atoll/kit'", rome, kit), [])
  assert.match(adviceFor(path, "import a from 'yaml'", rome, kit)[0] ?? '', /add yaml/)
  assert.match(adviceFor(path, "import a from '@atoll/kit/src/a.ts'", rome, kit)[0] ?? '', /private/)
  assert.match(adviceFor(path, "import a from '../../kit/src/a.ts'", rome, kit)[0] ?? '', /by the name/)
  assert.match(adviceFor(path, "import a from './index.ts'", rome, kit)[0] ?? '', /the index is for/)
})

test('every form of an import is seen', () => {
  const text = `import a from 'a'
import {
  b,
} from 'b'
import type { c } from 'c'
import 'd'
export * from 'e'
const f = await import('f')
// import g from 'g'
const h = "import h from 'h'"
const i = \`
import i from 'i'
\`
`
  const found = importsOf(parseSource('a.ts', text))
  assert.deepEqual(
    found.map(({ specifier, line }) => `${specifier}:${line}`),
    ['a:1', 'b:4', 'c:5', 'd:6', 'e:7', 'f:8'],
  )
})
