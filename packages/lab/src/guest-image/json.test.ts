import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { silentLogger } from '@atoll/kit'
import { ensurePackages } from '../ensure-packages.ts'
import { isRoot, missingTools, runToEnd } from '../run-program.ts'
import { guestFilesDirectory } from './guest-archive.ts'

const busybox = { program: 'busybox', debianPackage: 'busybox-static' }
const skip = isRoot() || (await missingTools([busybox])).length === 0 ? false : 'busybox is not installed'

async function flatten(text: string) {
  const script = join(guestFilesDirectory, 'etc/atoll/json.awk')
  return runToEnd('busybox', ['awk', '-f', script], { stdin: text, timeoutMs: 5000 })
}

/** Leaves of `value` as the guest should see them. */
function leaves(value: unknown, pointer = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [`${pointer}\t${escaped(String(value))}`]
  return Object.entries(value).flatMap(([key, each]) =>
    leaves(each, `${pointer}/${escaped(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`),
  )
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r')
}

describe("the guest's JSON reader", { skip }, () => {
  before(() => ensurePackages(['busybox-static'], { log: silentLogger }))

  const metadata = {
    hostname: 'vm-ä-😀.example',
    name: 'quote " backslash \\ tab \t newline \n end',
    uuid: '',
    launch_index: 0,
    public_keys: { 'my "key" of a/b~c': 'ssh-ed25519 AAAA+/= a\\b\n', '}': 'ssh-rsa B {"x": 1}' },
    meta: { hostname: 'not this one', 'a:b,c': '[]', 'with space': "it's" },
    devices: [],
    empty: {},
    nested: [[1, -2.5e3], [true, false, null], { deep: [{ er: 'x' }] }],
  }

  test('gives each leaf of odd metadata with its pointer', async () => {
    for (const text of [JSON.stringify(metadata), JSON.stringify(metadata, undefined, 2)]) {
      const { stdout, exitCode } = await flatten(text)
      assert.equal(exitCode, 0)
      assert.deepEqual(stdout.split('\n').slice(0, -1), leaves(metadata))
    }
  })

  test('reads escapes of every kind', async () => {
    const text = '{"a": "\\u0041\\u00e4\\u20ac\\ud83d\\ude00\\/\\b\\f"}'
    assert.equal((await flatten(text)).stdout, `/a\tAä€😀/\b\f\n`)
  })

  test('refuses what is no JSON, and ends', async () => {
    const broken = ['', '{', '{"a"}', '{"a":1,}', '[1 2]', 'nope', '{"a":"x}', '{"a":1} x', '{a:1}', '<html>']
    for (const text of broken) {
      assert.equal((await flatten(text)).exitCode, 1, JSON.stringify(text))
    }
  })
})
