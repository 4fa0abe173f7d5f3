import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { type Fabric, type FabricNetwork, SimulatedFabric, SimulatedUnderlay } from '@atoll/fabric'
import { type Clock, Supervisor, silentLogger, sleep, systemClock } from '@atoll/kit'
import { cloudScope } from '@atoll/state'
import { PortNotWired } from '../errors.ts'
import { preparePort, unbindOrDeletePorts } from '../ports/server-ports.ts'
import { networks, ports, subnets } from '../records.ts'
import { networkSite } from '../testing/network-site.ts'
import { createNetworkAgent } from './network-agent.ts'

const scope = cloudScope('test')
const WAIT_MS = 10_000

/** A fabric that counts what it is told, and can be made to fail. */
class WatchedFabric implements Fabric {
  readonly kind = 'simulated'
  readonly applied: FabricNetwork[] = []
  failures = 0
  changes = 0
  applyMs = 0
  onApply = () => {}
  readonly #inner: Fabric

  constructor(inner: Fabric) {
    this.#inner = inner
  }

  async apply(network: FabricNetwork) {
    if (this.failures-- > 0) throw new Error('out of order')
    this.applied.push(network)
    this.onApply()
    if (this.applyMs > 0) await sleep(systemClock, this.applyMs)
    const applied = await this.#inner.apply(network)
    this.changes += applied.changes
    return applied
  }

  remove: Fabric['remove'] = (networkId) => this.#inner.remove(networkId)
  list = () => this.#inner.list()
  close = () => this.#inner.close()
}

async function siteWithHosts(t: TestContext, count: number) {
  const site = await networkSite(t)
  const { id: networkId = '' } = await site.make('/v2.0/networks', { network: {} })
  await site.make('/v2.0/subnets', { subnet: { network_id: networkId, cidr: '10.0.0.0/16' } })
  const underlay = new SimulatedUnderlay()
  const tunnelIps = new Map<string, string>()
  const fabrics = new Map<string, WatchedFabric>()
  for (let index = 1; index <= count; index++) {
    const tunnelIp = `192.0.${index >> 8}.${index & 0xff}`
    tunnelIps.set(`h${index}`, tunnelIp)
    fabrics.set(`h${index}`, new WatchedFabric(new SimulatedFabric({ underlay, tunnelIp })))
  }
  const startAgent = (clock: Clock = systemClock) => {
    const agent = createNetworkAgent({
      state: site.state,
      fabrics,
      clock,
      log: silentLogger,
      tunnelIpOf: async (hostName) => tunnelIps.get(hostName),
      hostnameOf: async (deviceId) => `name-of-${deviceId}`,
    })
    const supervisor = new Supervisor({ clock: systemClock, log: silentLogger })
    supervisor.start(agent.service)
    const stop = () => supervisor.stop()
    t.after(stop)
    return { ...agent, stop }
  }
  const bootOn = (host: string, serverId: string) =>
    site.state.transaction((transaction) =>
      preparePort(transaction, scope, {
        networkId,
        serverId,
        host,
        deviceOwner: 'compute:here',
        projectId: 'p1',
      }),
    )
  const until = async (what: string, isMet: () => boolean | Promise<boolean>) => {
    for (const startMs = Date.now(); !(await isMet()); ) {
      assert.ok(Date.now() - startMs < WAIT_MS, `never: ${what}`)
      await sleep(systemClock, 2)
    }
  }
  const status = async (portId: string) => (await site.state.find(scope, ports, portId))?.status
  const wiredOn = (host: string) => {
    const last = fabrics.get(host)?.applied.at(-1)
    return { local: last?.localPorts.length ?? 0, remote: last?.remotePorts.length ?? 0 }
  }
  return { ...site, networkId, fabrics, tunnelIps, startAgent, bootOn, until, status, wiredOn }
}

test('a port is wired on its host, becomes ACTIVE, and is known to the other hosts', async (t) => {
  const { startAgent, bootOn, until, status, wiredOn, fabrics } = await siteWithHosts(t, 2)
  const { wiring } = startAgent()
  const first = await bootOn('h1', 'vm1')
  assert.match(await wiring.tapOf(first.id), /^at-t/)
  await until('the port is ACTIVE', async () => (await status(first.id)) === 'ACTIVE')
  const second = await bootOn('h2', 'vm2')
  await wiring.tapOf(second.id)
  await until('both hosts know both ports', () => wiredOn('h1').remote === 1 && wiredOn('h2').remote === 1)
  const local = fabrics.get('h1')?.applied.at(-1)?.localPorts[0]
  assert.deepEqual(
    [local?.id, local?.hostname, local?.fixedIps[0]?.ipAddress],
    [first.id, 'name-of-vm1', first.fixed_ips[0]?.ip_address],
  )
})

test('a port that goes is taken off, and the network with its last', async (t) => {
  const { startAgent, bootOn, until, wiredOn, fabrics, state, tunnelIps } = await siteWithHosts(t, 2)
  const { wiring } = startAgent()
  const [first, second] = [await bootOn('h1', 'vm1'), await bootOn('h2', 'vm2')]
  await Promise.all([wiring.tapOf(first.id), wiring.tapOf(second.id)])
  await until('h2 knows h1', () => wiredOn('h2').remote === 1)
  await state.transaction((transaction) =>
    unbindOrDeletePorts(transaction, { serverId: 'vm1', portIds: [first.id], ownPortIds: [first.id] }),
  )
  await until('h2 forgot h1', () => wiredOn('h2').remote === 0)
  await until('h1 has nothing', async () => (await fabrics.get('h1')?.list())?.length === 0)
  await assert.rejects(wiring.tapOf(first.id, 1), PortNotWired.is)
  assert.equal(tunnelIps.size, 2)
})

test('a new agent finds everything as it was, changes nothing, and takes off what nobody needs', async (t) => {
  const { startAgent, bootOn, until, status, fabrics, state } = await siteWithHosts(t, 2)
  const former = startAgent()
  const [kept, gone] = [await bootOn('h1', 'vm1'), await bootOn('h2', 'vm2')]
  const tap = await former.wiring.tapOf(kept.id)
  await former.wiring.tapOf(gone.id)
  await until('both are ACTIVE', async () => (await status(gone.id)) === 'ACTIVE')
  await former.stop()
  await state.transaction((transaction) =>
    unbindOrDeletePorts(transaction, { serverId: 'vm2', portIds: [gone.id], ownPortIds: [gone.id] }),
  )
  const { changes = -1, applied } = fabrics.get('h1') ?? {}
  const { wiring } = startAgent()
  assert.equal(await wiring.tapOf(kept.id), tap)
  await until('h2 has nothing', async () => (await fabrics.get('h2')?.list())?.length === 0)
  assert.ok((applied?.length ?? 0) > 1)
  // The one change is that the port on h2 is gone.
  assert.equal(fabrics.get('h1')?.changes, changes + 1)
})

test('a guest keeps its network that was deleted where nobody had heard of it, also after a restart', async (t) => {
  const { startAgent, bootOn, fabrics, state, networkId } = await siteWithHosts(t, 1)
  const port = await bootOn('h1', 'vm1')
  const lost = await state.select(scope, subnets).select('id').where('network_id', '=', networkId).execute()
  await state.transaction(async (transaction) => {
    for (const { id } of lost) await transaction.remove(subnets, id)
    await transaction.remove(networks, networkId)
  })
  assert.match(await startAgent().wiring.tapOf(port.id), /^at-t/)
  const told = fabrics.get('h1')?.applied.at(-1)
  const { subnetId, ipAddress } = told?.localPorts[0]?.fixedIps[0] ?? {}
  assert.deepEqual([subnetId, ipAddress], [lost[0]?.id, port.fixed_ips[0]?.ip_address])
})

test('a host that fails is tried again, although a timer comes early', async (t) => {
  const { startAgent, bootOn, fabrics } = await siteWithHosts(t, 1)
  const early: Clock = {
    ...systemClock,
    after: (delayMs, action) => systemClock.after(Math.max(1, delayMs - 20), action),
  }
  const { wiring } = startAgent(early)
  const fabric = fabrics.get('h1')
  assert.ok(fabric)
  fabric.failures = 1
  const port = await bootOn('h1', 'vm1')
  assert.match(await wiring.tapOf(port.id, WAIT_MS), /^at-t/)
})

test('a port that is administratively down is DOWN, and ACTIVE again when it is up', async (t) => {
  const { startAgent, bootOn, until, status, call } = await siteWithHosts(t, 1)
  startAgent()
  const { id } = await bootOn('h1', 'vm1')
  const put = (admin_state_up: boolean) =>
    call('PUT', `/v2.0/ports/${id}`, { body: { port: { admin_state_up } } })
  await until('ACTIVE', async () => (await status(id)) === 'ACTIVE')
  assert.equal((await put(false)).statusCode, 200)
  await until('DOWN', async () => (await status(id)) === 'DOWN')
  assert.equal((await put(true)).statusCode, 200)
  await until('ACTIVE again', async () => (await status(id)) === 'ACTIVE')
})

test('a host hears of a change of its subnets', async (t) => {
  const { startAgent, bootOn, until, call, make, networkId, fabrics } = await siteWithHosts(t, 1)
  const { wiring } = startAgent()
  await wiring.tapOf((await bootOn('h1', 'vm1')).id)
  const last = () => fabrics.get('h1')?.applied.at(-1)
  const subnet = await make('/v2.0/subnets', { subnet: { network_id: networkId, cidr: '10.9.0.0/24' } })
  await until('two subnets', () => last()?.subnets.length === 2)
  const body = { subnet: { dns_nameservers: ['9.9.9.9'] } }
  await call('PUT', `/v2.0/subnets/${subnet.id}`, { body })
  await until(
    'a name server',
    () => last()?.subnets.some((it) => it.dnsNameservers[0] === '9.9.9.9') ?? false,
  )
  await call('DELETE', `/v2.0/subnets/${subnet.id}`)
  await until('one subnet', () => last()?.subnets.length === 1)
})

test('what a host is told grows with what changed on it, not with all ports', async (t) => {
  const { startAgent, bootOn, until, make, call, fabrics } = await siteWithHosts(t, 20)
  const { wiring } = startAgent()
  for (let index = 1; index <= 20; index++) await wiring.tapOf((await bootOn(`h${index}`, `vm${index}`)).id)
  await until('all hosts know all ports', () =>
    [...fabrics.values()].every(({ applied }) => applied.at(-1)?.remotePorts.length === 19),
  )
  const told = () => [...fabrics.values()].reduce((sum, { applied }) => sum + applied.length, 0)
  const before = told()
  const { id: other } = await make('/v2.0/networks', { network: {} })
  await make('/v2.0/subnets', { subnet: { network_id: other, cidr: '10.0.0.0/24' } })
  const port = await make('/v2.0/ports', { port: { network_id: other } })
  const body = { port: { 'binding:host_id': 'h7' } }
  await call('PUT', `/v2.0/ports/${port.id}`, { bearer: 'admin', body })
  await wiring.tapOf(port.id ?? '')
  assert.equal(told() - before, 1)
})

test('all hosts learn of a port elsewhere, however slow they are and however early timers come', async (t) => {
  const { startAgent, bootOn, until, wiredOn, fabrics } = await siteWithHosts(t, 4)
  const early: Clock = {
    ...systemClock,
    after: (delayMs, action) => systemClock.after(delayMs < 1000 ? delayMs / 2 : delayMs, action),
  }
  const { wiring } = startAgent(early)
  for (const fabric of fabrics.values()) fabric.applyMs = 12
  for (let index = 1; index <= 4; index++) await wiring.tapOf((await bootOn(`h${index}`, `vm${index}`)).id)
  await until('each knows the others', () => [...fabrics.keys()].every((host) => wiredOn(host).remote === 3))
})

test('guests of a host that is served from now on are wired before the others are told anything', async (t) => {
  const { startAgent, bootOn, until, fabrics } = await siteWithHosts(t, 8)
  const taken = fabrics.get('h8')
  assert.ok(taken)
  fabrics.delete('h8')
  const { wiring, refresh } = startAgent()
  for (const host of fabrics.keys()) await wiring.tapOf((await bootOn(host, `vm-${host}`)).id)
  const { id } = await bootOn('h8', 'vm')
  await until('all others know of it', () =>
    [...fabrics.values()].every(({ applied }) => applied.at(-1)?.remotePorts.length === 7),
  )
  const told = () => [...fabrics.values()].reduce((sum, { applied }) => sum + applied.length, 0)
  const before = told()
  const toldBefore: number[] = []
  taken.onApply = () => toldBefore.push(told() - before - taken.applied.length)
  fabrics.set('h8', taken)
  refresh()
  await wiring.tapOf(id)
  assert.equal(toldBefore[0], 0)
})
