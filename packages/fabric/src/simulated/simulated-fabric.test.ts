import assert from 'node:assert/strict'
import test from 'node:test'
import type { LocalPort } from '../fabric.ts'
import { fabricSuite } from '../testing/fabric-suite.ts'
import {
  asRemote,
  type FabricWorld,
  sampleNetwork,
  samplePort,
  type WorldHost,
} from '../testing/fabric-world.ts'
import { SimulatedFabric } from './simulated-fabric.ts'
import { SimulatedUnderlay } from './simulated-underlay.ts'

fabricSuite('simulated', async () => simulatedWorld().world, false)

test('a cut between two hosts stops their ports from reaching each other until it heals', async () => {
  const { underlay, world } = simulatedWorld()
  const [near, far] = world.hosts
  const [left, right] = [samplePort(11), samplePort(12)]
  await near
    .fabric()
    .apply(sampleNetwork({ localPorts: [left], remotePorts: [asRemote(right, far.tunnelIp)] }))
  await far
    .fabric()
    .apply(sampleNetwork({ localPorts: [right], remotePorts: [asRemote(left, near.tunnelIp)] }))
  assert.equal(underlay.reaches(left.id, right.id), true)
  underlay.cut(far.tunnelIp, near.tunnelIp)
  assert.equal(underlay.reaches(left.id, right.id), false)
  underlay.heal(near.tunnelIp, far.tunnelIp)
  assert.equal(underlay.reaches(left.id, right.id), true)
})

test('a host that loses power has nothing wired when it is back', async () => {
  const { underlay, world } = simulatedWorld()
  const [near] = world.hosts
  await near.fabric().apply(sampleNetwork({ localPorts: [samplePort(11)] }))
  underlay.powerOff(near.tunnelIp)
  assert.deepEqual(await near.fabric().list(), [])
})

test('a network that another host knows by another VNI is another network', async () => {
  const { underlay, world } = simulatedWorld()
  const [near, far] = world.hosts
  const [left, right] = [samplePort(11), samplePort(12)]
  await near
    .fabric()
    .apply(sampleNetwork({ localPorts: [left], remotePorts: [asRemote(right, far.tunnelIp)] }))
  const stranger = { vni: 9, localPorts: [right], remotePorts: [asRemote(left, near.tunnelIp)] }
  await far.fabric().apply(sampleNetwork(stranger))
  assert.equal(underlay.reaches(left.id, right.id), false)
})

function simulatedWorld(): { underlay: SimulatedUnderlay; world: FabricWorld } {
  const underlay = new SimulatedUnderlay()
  const host = (tunnelIp: string): WorldHost => {
    let fabric = new SimulatedFabric({ underlay, tunnelIp })
    return {
      tunnelIp,
      fabric: () => fabric,
      restartPeer: async () => {
        fabric = new SimulatedFabric({ underlay, tunnelIp })
      },
      boot: async (port: LocalPort) => ({
        lease: async () => underlay.lease(port.macAddress),
        reaches: async (other) => underlay.reaches(port.id, other.id),
        metadataCaller: async () => underlay.metadataCaller(port.id),
      }),
    }
  }
  return { underlay, world: { hosts: [host('198.18.0.1'), host('198.18.0.2')], close: async () => {} } }
}
