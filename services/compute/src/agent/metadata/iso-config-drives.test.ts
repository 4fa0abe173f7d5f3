import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { AtollError } from '@atoll/kit'
import { GenisoimageMissing } from './config-drives.ts'
import { isoConfigDrives } from './iso-config-drives.ts'
import { examplePorts, exampleServer, KEY, SERVER_ID, USER_DATA } from './metadata-example.ts'
import { configDriveFiles } from './metadata-tree.ts'

const skip = ['genisoimage', 'isoinfo'].every((program) => existsSync(`/usr/bin/${program}`))
  ? false
  : 'genisoimage is not installed'

const files = configDriveFiles(exampleServer(), examplePorts)

function openDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'atoll-drives-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** What a guest reads, by Rock Ridge names (`-R`) as Linux does, or by Joliet names (`-J`) as Windows does. */
function readDrive(path: string, names: '-R' | '-J' = '-R') {
  const isoinfo = (...args: string[]) => execFileSync('isoinfo', ['-i', path, names, ...args])
  return {
    label: /Volume id: (.*)/.exec(execFileSync('isoinfo', ['-d', '-i', path]).toString())?.[1],
    paths: isoinfo('-f').toString().trim().split('\n'),
    read: (name: string) => isoinfo('-x', name),
  }
}

suite('a config drive', { skip }, () => {
  test('is found by its label and holds both trees, byte for byte', async (t) => {
    const path = await isoConfigDrives(openDirectory(t)).make(SERVER_ID, files)
    for (const names of ['-R', '-J'] as const) {
      const { label, paths, read } = readDrive(path, names)
      assert.equal(label, 'config-2')
      for (const [name, content] of files) {
        assert.ok(paths.includes(`/${name}`), name)
        if (names === '-R') assert.deepEqual(read(`/${name}`), content, name)
      }
    }
    const { read } = readDrive(path)
    assert.deepEqual(read('/openstack/latest/user_data'), USER_DATA)
    assert.equal(JSON.parse(read('/openstack/latest/meta_data.json').toString()).name, 'Übersee 🏝')
    const ec2 = JSON.parse(read('/ec2/latest/meta-data.json').toString())
    assert.deepEqual(ec2['public-keys'], { 0: { 'openssh-key': KEY } })
    assert.deepEqual(ec2.placement, { 'availability-zone': 'here' })
  })

  test('is made anew in place of the former one, and of what a killed process left', async (t) => {
    const directory = openDirectory(t)
    const drives = isoConfigDrives(directory)
    await drives.make(SERVER_ID, files)
    mkdirSync(join(directory, `${SERVER_ID}.making`, 'tree'), { recursive: true })
    writeFileSync(join(directory, `${SERVER_ID}.making`, 'tree', 'left-over'), 'x')
    const renamed = configDriveFiles(exampleServer({ name: 'renamed' }), [])
    const { paths, read } = readDrive(await drives.make(SERVER_ID, renamed))
    assert.equal(JSON.parse(read('/openstack/latest/meta_data.json').toString()).name, 'renamed')
    assert.ok(!paths.includes('/left-over'))
    assert.deepEqual(readdirSync(directory), [`${SERVER_ID}.iso`])
  })

  test('goes without a trace, and can go twice', async (t) => {
    const directory = openDirectory(t)
    const drives = isoConfigDrives(directory)
    await drives.make(SERVER_ID, files)
    await drives.remove(SERVER_ID)
    await drives.remove(SERVER_ID)
    assert.deepEqual(readdirSync(directory), [])
  })
})

test('a missing genisoimage is named with its Debian package, and leaves nothing behind', async (t) => {
  const directory = openDirectory(t)
  const { PATH = '' } = process.env
  process.env.PATH = directory
  t.after(() => {
    process.env.PATH = PATH
  })
  await assert.rejects(isoConfigDrives(directory).make(SERVER_ID, files), (error) => {
    assert.ok(GenisoimageMissing.is(error) && error instanceof AtollError)
    assert.match(error.message, /apt-get install genisoimage$/)
    return true
  })
  assert.deepEqual(readdirSync(directory), [])
})
