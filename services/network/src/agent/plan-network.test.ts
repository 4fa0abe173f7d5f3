import assert from 'node:assert/strict'
import test from 'node:test'
import { checkedBy, portFacts, twoSubnets } from '../testing/network-views.ts'
import { planNetwork, prepareNetwork } from './plan-network.ts'

const names = {
  tunnelIps: new Map([
    ['h1', '192.0.2.1'],
    ['h2', '192.0.2.2'],
  ]),
  hostnames: new Map([['vm-a', 'alpha']]),
}
const plan = (ports: Parameters<typeof twoSubnets>[0], host: string) =>
  planNetwork(prepareNetwork(twoSubnets(ports), names), host)

test('a host is told its own ports by name, and where the others are', async () => {
  const ports = [
    portFacts({ number: 1, host: 'h1', deviceId: 'vm-a' }),
    portFacts({ number: 2, host: 'h2', deviceId: 'vm-b' }),
  ]
  const [here, there] = [plan(ports, 'h1'), plan(ports, 'h2')]
  assert.deepEqual(
    here?.localPorts.map(({ id, hostname }) => [id, hostname]),
    [[ports[0]?.id, 'alpha']],
  )
  assert.deepEqual(here?.remotePorts, [
    {
      macAddress: ports[1]?.macAddress,
      fixedIps: [{ subnetId: ports[1]?.fixedIps[0]?.subnet_id, ipAddress: '10.0.0.12' }],
      tunnelIp: '192.0.2.2',
    },
  ])
  assert.equal(there?.localPorts[0]?.hostname, 'host-10-0-0-12')
  assert.deepEqual(
    [here?.vni, here?.mtu, here?.subnets[0]?.dhcp, here?.subnets[1]?.dhcp],
    [4096, 1400, { ipAddress: '10.0.0.2', macAddress: 'fa:16:3e:00:00:fe' }, null],
  )
  await checkedBy(here)
})

test('a host without a port of the network needs nothing of it', () => {
  assert.equal(plan([portFacts({ number: 1, host: 'h1' })], 'h2'), undefined)
})

test('a port of a host that is not known yet is left out', () => {
  const ports = [portFacts({ number: 1, host: 'h1' }), portFacts({ number: 2, host: 'nowhere' })]
  assert.deepEqual(plan(ports, 'h1')?.remotePorts, [])
})

test('a network or a port that is taken down takes its guests off', () => {
  const up = [portFacts({ number: 1, host: 'h1' })]
  const down = prepareNetwork(twoSubnets(up, { admin_state_up: false }), names)
  assert.equal(plan(up, 'h1')?.localPorts[0]?.isAdminStateUp, true)
  assert.equal(planNetwork(down, 'h1')?.localPorts[0]?.isAdminStateUp, false)
  const port = portFacts({ number: 1, host: 'h1', isAdminStateUp: false })
  assert.equal(plan([port], 'h1')?.localPorts[0]?.isAdminStateUp, false)
})

test('of two ports with one MAC address each host keeps its own, a third that of the lower id', async () => {
  const macAddress = 'fa:16:3e:00:00:77'
  const ports = [
    portFacts({ number: 1, host: 'h1', macAddress }),
    portFacts({ number: 2, host: 'h2', macAddress }),
    portFacts({ number: 3, host: 'h3' }),
  ]
  for (const host of ['h1', 'h2', 'h3']) await checkedBy(plan(ports, host))
  assert.deepEqual(plan(ports, 'h1')?.localPorts.length, 1)
  assert.deepEqual(plan(ports, 'h2')?.localPorts.length, 1)
  assert.deepEqual(
    plan(ports, 'h3')?.remotePorts.map(({ tunnelIp }) => tunnelIp),
    ['192.0.2.1'],
  )
})

test('of two ports with one address the later loses the address, and none may have that of DHCP', async () => {
  const ports = [
    portFacts({ number: 1, host: 'h1', ipAddress: '10.0.0.50' }),
    portFacts({ number: 2, host: 'h1', ipAddress: '10.0.0.50' }),
    portFacts({ number: 3, host: 'h1', ipAddress: '10.0.0.2' }),
    portFacts({ number: 4, host: 'h1', macAddress: 'fa:16:3e:00:00:fe' }),
  ]
  const network = plan(ports, 'h1')
  assert.deepEqual(
    network?.localPorts.map(({ fixedIps }) => fixedIps.map(({ ipAddress }) => ipAddress)),
    [['10.0.0.50'], [], []],
  )
  await checkedBy(network)
})

test('records that make no sense take nothing else down', async () => {
  const ports = [
    portFacts({ number: 1, host: 'h1' }),
    portFacts({ number: 2, host: 'h2', macAddress: '; reboot' }),
    portFacts({ number: 3, host: 'h2', ipAddress: '10.99.0.1' }),
    portFacts({ number: 4, host: 'h2', ipAddress: 'x' }),
  ]
  const network = plan(ports, 'h1')
  assert.deepEqual(
    network?.remotePorts.map(({ fixedIps }) => fixedIps),
    [[], []],
  )
  await checkedBy(network)
})
