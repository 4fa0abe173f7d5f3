import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { simulatedConfigDrives } from '@atoll/compute'
import { SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import { SimulatedHypervisor, SimulatedMachine } from '@atoll/hypervisor'
import { createTestPasswords, DEFAULT_DOMAIN_ID, domains } from '@atoll/identity'
import { ImageStore, MemoryFiles } from '@atoll/images'
import { Supervisor, seededRandom, silentLogger, systemClock } from '@atoll/kit'
import { type KeyRing, MockNetwork, SiteSigner } from '@atoll/overlay'
import { openSqlite } from '@atoll/rome'
import { cloudScope } from '@atoll/state'
import Fastify, { type FastifyInstance } from 'fastify'
import { composePeer } from './compose.ts'

const PASSWORD = 'reef'
const all = cloudScope('test')
const world = { clock: systemClock, log: silentLogger }

/** Two whole peers, site1 the founder, on a network in memory. */
async function openTwoSites(t: TestContext) {
  const network = new MockNetwork({ ...world, random: seededRandom('network'), link: { delayMs: 2 } })
  const site1 = await openSite(t, network, { name: 'site1', code: 1 })
  const site2 = await openSite(t, network, { name: 'site2', code: 2 })
  await until('site2 knows site1', async () => {
    const domain = await site2.peer.state.find(all, domains, DEFAULT_DOMAIN_ID)
    return domain !== undefined && site2.peer.federation.freshness.isReachable('site1')
  })
  await until('site2 has a host', async () => (await site2.hypervisors()).length > 0)
  return { network, site1, site2 }
}

async function openSite(t: TestContext, network: MockNetwork, site: { name: string; code: number }) {
  const { name, code } = site
  const random = seededRandom(name)
  const directory = mkdtempSync(join(tmpdir(), `atoll-${name}-`))
  const store = openSqlite({ path: join(directory, 'state.sqlite') })
  const files = new MemoryFiles(world)
  const identity = { cloud: 'reef', site: name, peer: 'p' }
  const signingKey = SiteSigner.generate().privateKey
  const isFounder = code === 1
  const [machine, underlay] = [machineOf(name), new SimulatedUnderlay()]
  const peer = await composePeer({
    world: {
      ...world,
      random,
      store,
      files,
      keys: () => ({ cloudAuthority: { certificate: '' }, signingKey }) as KeyRing,
      transport: network.connect(identity),
      signatures: (isRevoked) => network.authority.issue({ site: name, isRevoked }),
      images: await ImageStore.open({ path: '/images', files, ...world }),
      passwords: createTestPasswords({ random }),
      hosts: [
        {
          name: 'host',
          tunnelIp: `198.18.${code}.1`,
          hypervisor: new SimulatedHypervisor({ machine, ...world }),
          makeFabric: () => new SimulatedFabric({ underlay, tunnelIp: `198.18.${code}.1` }),
        },
      ],
      directories: { images: '/cache' },
      configDrives: simulatedConfigDrives(),
    },
    site: {
      cloud: 'reef',
      site: name,
      code,
      founder: 'site1',
      contacts: isFounder ? [] : [{ name: 'site1', addresses: [{ host: 'site1', port: 1 }] }],
    },
    self: { addresses: [{ host: name, port: 1 }], apiUrl: `http://${name}` },
    ...(isFounder ? { adminPassword: PASSWORD } : {}),
  })
  const [clients, peers] = [Fastify(), Fastify()]
  await peer.register(clients, {})
  await peer.register(peers, { peerOf: (request) => ({ site: String(request.headers['test-peer']) }) })
  const stopListening = network.listen(identity, async (from, { method, path, headers, body }) => {
    const reply = await peers.inject({
      method: method as 'GET',
      url: path,
      headers: { ...headers, 'test-peer': from.site } as Record<string, string>,
      ...(body.length > 0 ? { payload: body } : {}),
    })
    const { statusCode: status, rawPayload } = reply
    return { status, headers: reply.headers as Record<string, string>, body: rawPayload }
  })
  const supervisor = new Supervisor(world)
  for (const service of peer.services()) supervisor.start(service)
  t.after(async () => {
    stopListening()
    await supervisor.stop()
    await peer.close()
    await store.close()
    rmSync(directory, { recursive: true })
  })
  return { peer, ...clientOf(clients) }
}

function machineOf(name: string): SimulatedMachine {
  const resources = { vcpus: 4, ramMib: 4096, diskBytes: 2 ** 36 }
  return new SimulatedMachine({ clock: systemClock, random: seededRandom(`machine of ${name}`), resources })
}

function clientOf(server: FastifyInstance) {
  const user = { name: 'admin', domain: { id: DEFAULT_DOMAIN_ID }, password: PASSWORD }
  const scope = { project: { name: 'admin', domain: { id: DEFAULT_DOMAIN_ID } } }
  let token = ''
  const call = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const headers = { 'x-auth-token': token }
    const reply = await server.inject({ method, url, headers, ...(payload ? { payload } : {}) })
    return { status: reply.statusCode, headers: reply.headers, body: reply.json() }
  }
  const authenticate = async (auth: object) => {
    token = ''
    const reply = await call('POST', '/identity/v3/auth/tokens', { auth })
    token = String(reply.headers['x-subject-token'])
    return { status: reply.status, token }
  }
  return {
    /** As openstackclient does: with a scope at once. Later calls carry the token. */
    login: (password = PASSWORD) =>
      authenticate({ identity: { methods: ['password'], password: { user: { ...user, password } } }, scope }),
    /** As the dashboard does: without a scope, then exchanged. */
    loginInTwoSteps: async () => {
      const identity = { methods: ['password'], password: { user } }
      const first = await authenticate({ identity, scope: { unscoped: {} } })
      return authenticate({ identity: { methods: ['token'], token: { id: first.token } }, scope })
    },
    createProject: async (name: string) =>
      (await call('POST', '/identity/v3/projects', { project: { name } })).status,
    hypervisors: async (): Promise<string[]> => {
      if (token === '') await authenticate({ identity: { methods: ['password'], password: { user } }, scope })
      const { body } = await call('GET', '/compute/v2.1/os-hypervisors')
      return (body.hypervisors ?? []).map((row: { hypervisor_hostname: string }) => row.hypervisor_hostname)
    },
  }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (await condition()) return
    await new Promise((resolve) => systemClock.after(10, () => resolve(undefined)))
  }
  throw new Error(`waited in vain until ${what}`)
}

test('an administrator logs in at any site and acts on the whole cloud', async (t) => {
  const { site1, site2 } = await openTwoSites(t)
  assert.equal((await site2.login()).status, 201)
  assert.equal(await site2.createProject('from afar'), 201)
  assert.equal((await site2.loginInTwoSteps()).status, 201)
  assert.equal(await site2.createProject('in two steps'), 201)
  assert.equal((await site2.login('wrong')).status, 401)
  assert.equal((await site1.login()).status, 201)
  assert.equal(await site1.createProject('at home'), 201)
})

test('a site that is cut off has its administrator, who counts for nothing elsewhere', async (t) => {
  const { network, site2 } = await openTwoSites(t)
  const { freshness } = site2.peer.federation
  network.cutBoth('site1', 'site2')
  assert.equal((await site2.login()).status, 201)
  assert.deepEqual(
    (await site2.hypervisors()).filter((name) => name.startsWith('site2')),
    ['site2-host'],
  )
  await until('site1 is silent', async () => freshness.isSilent('site1'))
  assert.equal((await site2.login('wrong')).status, 401)
  assert.equal((await site2.login()).status, 201)
  assert.equal(await site2.createProject('cut off'), 503)
  network.healBoth('site1', 'site2')
  await until('site1 is back', async () => freshness.isReachable('site1'))
  assert.equal(await site2.createProject('with the local token'), 403)
  assert.equal((await site2.login()).status, 201)
  assert.equal(await site2.createProject('with a new one'), 201)
})
