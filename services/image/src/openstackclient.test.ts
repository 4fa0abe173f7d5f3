import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import test from 'node:test'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import { openImages } from './testing.ts'

const program = '/usr/bin/openstack'
const run = promisify(execFile)

test('the real client makes, finds, changes, saves and deletes an image', {
  skip: !existsSync(program) && 'openstackclient is not installed',
}, async (t) => {
  const { server } = await openImages(t)
  serveIdentity(server)
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  const directory = await mkdtemp(`${tmpdir()}/atoll-image-`)
  t.after(() => rm(directory, { recursive: true }))
  const env = {
    PATH: '/usr/bin:/bin',
    HOME: directory,
    OS_AUTH_URL: `${url}/identity/v3`,
    OS_USERNAME: 'admin',
    OS_PASSWORD: 'any',
    OS_PROJECT_NAME: 'any',
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_IDENTITY_API_VERSION: '3',
  }
  const openstack = async (words: string) => {
    const { stdout } = await run(program, words.split(' '), { env, cwd: directory, timeout: 60_000 })
    return stdout
  }
  const json = async (words: string) => JSON.parse(await openstack(`${words} -f json`))
  const content = Buffer.alloc(3_000_000, 'island')
  await writeFile(`${directory}/disk.raw`, content)

  const made = await json(
    'image create islet --file disk.raw --disk-format raw --container-format bare --public --tag small --property hw_disk_bus=virtio',
  )
  assert.equal(made.name, 'islet')
  const shown = await json('image show islet')
  assert.deepEqual(
    [shown.id, shown.status, shown.size, shown.visibility, shown.tags, shown.properties.hw_disk_bus],
    [made.id, 'active', content.length, 'public', ['small'], 'virtio'],
  )
  await openstack('image set islet --property os_distro=debian --min-disk 2 --tag more --name cay')
  const [listed] = await json('image list --long --property os_distro=debian')
  assert.deepEqual(
    [listed.ID, listed.Name, listed.Status, listed.Checksum],
    [made.id, 'cay', 'active', shown.checksum],
  )
  await openstack('image unset cay --property os_distro --tag more')
  const changed = await json(`image show ${made.id}`)
  assert.deepEqual([changed.properties.os_distro, changed.min_disk, changed.tags], [undefined, 2, ['small']])
  await openstack('image save cay --file saved.raw')
  assert.ok((await readFile(`${directory}/saved.raw`)).equals(content))
  await openstack('image set cay --shared')
  await openstack('image delete cay')
  assert.deepEqual(await json('image list'), [])
})

/** As much of Keystone as the client needs to find an unversioned endpoint in a catalog. */
function serveIdentity(server: FastifyInstance): void {
  const version = (url: string) => ({
    id: 'v3.14',
    status: 'stable',
    links: [{ rel: 'self', href: `${url}/identity/v3/` }],
  })
  server.get('/identity/v3', async ({ host }) => ({ version: version(`http://${host}`) }))
  server.post('/identity/v3/auth/tokens', async ({ host }, reply) => {
    reply.status(201).header('x-subject-token', 'admin')
    const endpoint = {
      id: 'e',
      interface: 'public',
      region: 'r',
      region_id: 'r',
      url: `http://${host}/image`,
    }
    return {
      token: {
        methods: ['password'],
        user: { id: 'u', name: 'admin', domain: { id: 'default', name: 'Default' } },
        project: { id: 'administration', name: 'any', domain: { id: 'default', name: 'Default' } },
        roles: [{ id: 'r', name: 'admin' }],
        issued_at: '2026-01-01T00:00:00.000000Z',
        expires_at: '2999-01-01T00:00:00.000000Z',
        catalog: [{ id: 's', type: 'image', name: 'glance', endpoints: [endpoint] }],
      },
    }
  })
}
