import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { atollArguments } from './run-program.ts'

const directory = mkdtempSync(join(tmpdir(), 'atoll-cli-'))
after(() => rmSync(directory, { recursive: true }))

function atoll(...args: readonly string[]) {
  const env = { ...process.env, ATOLL_DATA: directory }
  return spawnSync(process.execPath, [...atollArguments, ...args], { env, encoding: 'utf8', timeout: 20_000 })
}

const commands = [
  'demo',
  'peer',
  'join',
  'invite',
  'trust',
  'status',
  'openrc',
  'test',
  'check',
  'bench',
  'docs',
]

test('every command has help', () => {
  const { stdout } = atoll('--help')
  for (const command of commands) assert.match(stdout, new RegExp(`^  ${command} `, 'm'))
})

for (const [args, message] of [
  [['status'], /^atoll: No peer runs on .*: atoll peer --data/],
  [['invite'], /^atoll: No peer runs on /],
  [['trust', 'west'], /^atoll: No peer runs on /],
  [['openrc'], /^atoll: There is no site in .*--found NAME/],
  [['peer'], /^atoll: There is no site in /],
  [['peer', '--found', 'sea', '--site', 'Not A Name'], /^atoll: /],
  [
    ['peer', '--found', 'sea', '--site', 'east', '--admin-password-file', '/none'],
    /^atoll: The password cannot be read/,
  ],
  [['join', 'nowhere', '--token', 't', '--site', 'west'], /atoll: nowhere is no address to join at/],
  [['bench', 'no-such'], /^atoll: There is no benchmark named no-such\. There are: .*create-servers/],
  [['peer', '--found', 'sea'], /^error: --found needs --site/],
  [['peer', '--site', 'east'], /^error: --site and --admin-password-file go with --found/],
  [['peer', '--api', '8774'], /^error: option '--api <host:port>' .*HOST:PORT/],
  [['invite', '--for', 'ever'], /^error: .*such as 90s/],
  [
    ['join', 'https://192.0.2.7:8775', '--token', 'atoll1.a.b.c'],
    /^atoll: joining .*\natoll: This token lets a new site into the cloud/,
  ],
  [['join', 'https://192.0.2.7:8775', '--site', 'west'], /^error: required option '--token/],
  [['no-such'], /^error: unknown command/],
] as const)
  test(`atoll ${args.join(' ')}: one line says what is wrong, and the exit code is 1`, () => {
    const { status, stdout, stderr } = atoll(...args)
    assert.equal(status, 1, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /^ {4}at /m)
  })
