/** The real `openstack` command against identity on loopback: the judge of what compatible means. */

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import type { RecordSites } from './projects/kept-at.ts'
import { openTestIdentity, PASSWORD, type TestIdentity } from './testing.ts'

const PROGRAM = 'openstack'
/** One command takes one to three seconds, nearly all of it Python's start. */
const COMMAND_MS_MAX = 60_000

const skip = isInstalled() ? false : `${PROGRAM} is not installed (apt-get install python3-openstackclient)`

test('openstackclient manages domains, projects, users, roles and grants', { skip }, async (t) => {
  const { port, as } = await listen(await openTestIdentity(t))
  const admin = as('admin', 'admin', PASSWORD)
  const json = async (line: string) => JSON.parse(await admin(`${line} -f json`))
  const names = async (line: string) =>
    (await json(line)).map((row: Record<string, unknown>) => row.Name ?? row.name)

  await t.test('token issue, catalog, services, endpoints, regions', async () => {
    const token = await json('token issue')
    assert.match(token.expires, /^\d{4}-\d\d-\d\dT[\d:]{8}\+0000$/)
    assert.deepEqual((await json('catalog list')).map((row: { Type: string }) => row.Type).sort(), [
      'compute',
      'identity',
      'image',
      'network',
      'placement',
    ])
    assert.ok((await admin('catalog show compute')).includes(`http://127.0.0.1:${port}/compute/v2.1`))
    assert.equal((await json('service list')).length, 5)
    assert.equal((await json('endpoint list --interface public')).length, 5)
    assert.deepEqual((await json('region list'))[0].Region, 'reef')
  })

  await t.test('domain create, set, show, delete', async () => {
    await admin('domain create lagoon --description shallow')
    assert.deepEqual((await names('domain list')).sort(), ['Default', 'lagoon'])
    await assert.rejects(admin('domain delete lagoon'), /please disable it first/)
    await admin('domain set lagoon --disable')
    assert.equal((await json('domain show lagoon')).enabled, false)
    await admin('domain delete lagoon')
  })

  await t.test('project create, list, show, set, with tags', async () => {
    await admin('project create crab --domain default --description small --tag a --tag b')
    assert.deepEqual((await names('project list')).sort(), ['admin', 'crab'])
    await admin('project set crab --description big --property claws=2')
    const project = await json('project show crab')
    // The client sends its tags as a set, in any order.
    assert.deepEqual([project.description, project.claws, project.tags.sort()], ['big', '2', ['a', 'b']])
    await assert.rejects(admin('project create crab'), /Conflict occurred attempting to store project/)
  })

  await t.test('role create, add, remove; role assignment list', async () => {
    await admin('user create ann --domain default --project crab --password secret --email ann@reef')
    assert.deepEqual((await names('role list')).sort(), ['admin', 'manager', 'member', 'reader', 'service'])
    await admin('role create diver')
    await admin('role add --project crab --user ann member')
    await admin('role add --project crab --user ann diver')
    const rows = await json('role assignment list --names --project crab')
    const shown = rows.map((row: Record<string, string>) => `${row.Role} ${row.User} ${row.Project}`)
    assert.deepEqual(shown.sort(), ['diver ann@Default crab@Default', 'member ann@Default crab@Default'])
    await admin('role remove --project crab --user ann diver')
    assert.equal((await json('role assignment list --project crab --user ann')).length, 1)
    assert.equal((await json('role assignment list --project crab --user ann --effective')).length, 2)
    await admin('role set diver --description deep')
    await admin('role delete diver')
  })

  await t.test('a user acts for itself, changes its password, is disabled and deleted', async () => {
    const ann = as('crab', 'ann', 'secret')
    assert.match(await ann('token issue -f value -c project_id'), /^[0-9a-f]{32}$/)
    await assert.rejects(ann('user list'), /HTTP 403/)
    await ann('user password set --original-password secret --password better')
    await assert.rejects(ann('token issue'), /HTTP 401/)
    await as('crab', 'ann', 'better')('token issue')
    await admin('user set ann --name anna --disable')
    await assert.rejects(as('crab', 'anna', 'better')('token issue'), /HTTP 401/)
    const shown = await json('user show anna')
    assert.deepEqual([shown.enabled, shown.email, shown.password_hash], [false, 'ann@reef', undefined])
    await admin('user delete anna')
    await admin('project delete crab')
    assert.deepEqual(await names('user list'), ['admin'])
    assert.deepEqual(await json('group list'), [])
  })
})

test('openstackclient says at which sites a project is kept', { skip }, async (t) => {
  const recordSites: RecordSites = {
    isSite: (name) => ['east', 'west'].includes(name),
    countOutside: async (_projectId, { after }) => (after.includes('east') ? 0 : 3),
  }
  const { as } = await listen(await openTestIdentity(t, { recordSites }))
  const admin = as('admin', 'admin', PASSWORD)
  const shown = async () => JSON.parse(await admin('project show acme -f json'))['atoll:sites']
  await admin('project create --property atoll:sites=east,west acme')
  assert.equal(await shown(), 'east,west')
  await assert.rejects(
    admin('project set --property atoll:sites=atlantis acme'),
    /There is no site .*HTTP 400/,
  )
  await assert.rejects(admin('project set --property atoll:sites=west acme'), /3 records .*HTTP 409/)
  await admin('project set --property atoll:sites=east acme')
  assert.equal(await shown(), 'east')
  await admin('project set --property atoll:sites=* acme')
  assert.equal(await shown(), undefined)
})

async function listen({ server }: TestIdentity) {
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  const as = (project: string, user: string, password: string) => (line: string) =>
    run(line.split(' '), {
      OS_AUTH_URL: `http://127.0.0.1:${port}/identity`,
      OS_IDENTITY_API_VERSION: '3',
      OS_USERNAME: user,
      OS_PASSWORD: password,
      OS_PROJECT_NAME: project,
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: 'reef',
    })
  return { port, as }
}

/** What the command prints; rejects with what it says when it fails. */
function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ...environment }
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, args, { env, timeout: COMMAND_MS_MAX }, (error, stdout, stderr) =>
      error ? reject(new Error(`${args.join(' ')}: ${stderr}`)) : resolve(stdout.trim()),
    )
  })
}

function isInstalled(): boolean {
  try {
    execFileSync('which', [PROGRAM], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
