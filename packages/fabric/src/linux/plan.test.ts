import assert from 'node:assert/strict'
import test from 'node:test'
import { DeviceNameTaken } from '../errors.ts'
import type { FabricNetwork } from '../fabric.ts'
import { asRemote, sampleNetwork, samplePort } from '../testing/fabric-world.ts'
import type { ObservedNetwork } from './network-state.ts'
import { planNetwork, planRemoval, type Step } from './plan.ts'
import { networkNames, wantedNetwork } from './wanted.ts'

const TABLE = 'atoll_test'
const FAR = '198.18.0.2'
const FARTHER = '198.18.0.3'
const near = samplePort(11)
const remote = samplePort(12)
const network = sampleNetwork({ localPorts: [near], remotePorts: [asRemote(remote, FAR)] })

test('nothing is planned for a host that is as stated', () => {
  assert.deepEqual(planNetwork(wantedFor(network), observedAs(network), TABLE), [])
})

test('fifty ports on an empty host take one process per tool, the guard first', () => {
  const localPorts = Array.from({ length: 50 }, (_, index) => samplePort(index + 11))
  const steps = planNetwork(wantedFor({ ...network, localPorts }), nothingObserved(), TABLE)
  const tools = ['nft', 'namespace', 'ip', 'bridge', 'ip-inside', 'dhcp', 'metadata']
  assert.deepEqual(groups(steps), tools)
})

test('a remote port that moves to another host changes one forwarding entry', () => {
  const moved = { ...network, remotePorts: [asRemote(remote, FARTHER)] }
  assert.deepEqual(lines(planNetwork(wantedFor(moved), observedAs(network), TABLE)), [
    'fdb replace fa:16:3e:00:00:0c dev at-vbeefcafe123 dst 198.18.0.3 self permanent',
  ])
})

test('a remote port that comes to this host loses its entries in the tunnel', () => {
  const moved = { ...network, localPorts: [near, remote], remotePorts: [] }
  const planned = lines(planNetwork(wantedFor(moved), observedAs(network), TABLE))
  for (const line of [
    'neigh del 10.20.30.12 dev at-vbeefcafe123',
    'fdb del fa:16:3e:00:00:0c dev at-vbeefcafe123 master',
    'fdb del fa:16:3e:00:00:0c dev at-vbeefcafe123 dst 198.18.0.2 self',
  ])
    assert.ok(planned.includes(line), line)
})

test('another VNI makes the tunnel anew, with all its entries, and touches nothing else', () => {
  const planned = lines(planNetwork(wantedFor({ ...network, vni: 5 }), observedAs(network), TABLE))
  assert.equal(planned[0], 'link del dev at-vbeefcafe123')
  assert.ok(planned.some((line) => line.startsWith('fdb replace fa:16:3e:00:00:0c')))
  assert.ok(planned.some((line) => line.startsWith('neigh replace 10.20.30.12')))
  assert.deepEqual(
    planned.filter((line) => !line.includes('at-vbeefcafe123')),
    [],
  )
})

test('a new reservation is loaded, a withdrawn one restarts DHCP', () => {
  const grown = { ...network, localPorts: [near, samplePort(13)] }
  const actions = (to: FabricNetwork, from: FabricNetwork) =>
    planNetwork(wantedFor(to), observedAs(from), TABLE).flatMap((step) =>
      'action' in step ? [step.action] : [],
    )
  assert.deepEqual(actions(grown, network), ['reload'])
  assert.deepEqual(actions(network, grown), ['restart'])
})

test('a guest is guarded before it is wired and until it is gone', () => {
  const added = groups(planNetwork(wantedFor(network), observedAs({ ...network, localPorts: [] }), TABLE))
  assert.ok(added.indexOf('nft') < added.indexOf('ip'))
  const removed = groups(planNetwork(wantedFor({ ...network, localPorts: [] }), observedAs(network), TABLE))
  assert.ok(removed.indexOf('nft') > removed.indexOf('ip'))
})

test('removal deletes the bridge after all that hangs on it, and the namespace after its servers', () => {
  const steps = planRemoval(networkNames(network.id, NAMING), observedAs(network), TABLE)
  assert.deepEqual(groups(steps), ['ip', 'metadata', 'dhcp', 'namespace', 'nft'])
  assert.equal(lines(steps.filter(({ tool }) => tool === 'ip')).at(-1), 'link del dev at-bbeefcafe123')
  assert.deepEqual(planRemoval(networkNames(network.id, NAMING), nothingObserved(), TABLE), [])
})

test('a namespace that lost its name gets it back from the process that runs in it', () => {
  const observed = observedAs(network)
  const namespace = { isNamed: false, hasFile: true, inode: observed.namespace.inode }
  const steps = planNetwork(wantedFor(network), { ...observed, namespace }, TABLE)
  assert.deepEqual(steps, [
    { tool: 'namespace', args: ['delete', 'atoll-0123abcd-beefcafe123'] },
    { tool: 'namespace', args: ['attach', 'atoll-0123abcd-beefcafe123', '99'] },
  ])
})

test('a device of another peer is never taken', () => {
  const strangers = new Map([['at-bbeefcafe123', 'atoll:another:network']])
  assert.throws(
    () => planNetwork(wantedFor(network), { ...nothingObserved(), strangers }, TABLE),
    (error) => DeviceNameTaken.is(error),
  )
})

const NAMING = { owner: '0123abcd', namespacePrefix: 'atoll', runDirectory: '/run/atoll-0123abcd' }

function wantedFor(stated: FabricNetwork) {
  const facts = { tunnelIp: '198.18.0.1', tunnelDevice: undefined, underlayMtu: 1500, attach: 'tap' as const }
  return wantedNetwork(stated, networkNames(stated.id, NAMING), facts)
}

function nothingObserved(): ObservedNetwork {
  return {
    links: new Map(),
    unclaimed: new Map(),
    strangers: new Map(),
    forwarding: new Set(),
    bridged: new Set(),
    neighbours: new Set(),
    guard: new Set(),
    isGuardCurrent: false,
    namespace: { isNamed: false, hasFile: false, inode: undefined },
    inside: undefined,
    dhcp: undefined,
    dhcpPid: undefined,
    hasDhcpFiles: false,
    isMetadataOpen: false,
  }
}

/** What a host shows after `stated` was applied. */
function observedAs(stated: FabricNetwork): ObservedNetwork {
  const { links, forwarding, bridged, neighbours, guard, inside, dhcp } = wantedFor(stated)
  return {
    ...nothingObserved(),
    ...{ links, forwarding, bridged, neighbours, guard, inside, dhcp },
    isGuardCurrent: true,
    namespace: { isNamed: true, hasFile: true, inode: 4026 },
    dhcpPid: 99,
    hasDhcpFiles: true,
    isMetadataOpen: true,
  }
}

function groups(steps: readonly Step[]): readonly string[] {
  return steps.map(({ tool }) => tool).filter((tool, index, tools) => tool !== tools[index - 1])
}

function lines(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => ('line' in step ? [step.line] : []))
}
