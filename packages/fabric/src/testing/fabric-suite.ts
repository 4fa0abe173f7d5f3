/** What every fabric must do, whatever it is made of: each driver's test calls this with a world of its own. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { DeviceNameTaken, FabricNetworkInvalid } from '../errors.ts'
import { asRemote, type FabricWorld, sampleNetwork, samplePort, type WorldHost } from './fabric-world.ts'

/** Registers the suite. Each fact starts from two hosts on which nothing is wired. */
export function fabricSuite(kind: string, makeWorld: () => Promise<FabricWorld>, skip: string | false): void {
  describe(`the ${kind} fabric`, { skip }, () => {
    let world: FabricWorld
    before(async () => {
      world = await makeWorld()
    })
    after(() => world.close())

    const fact = (name: string, body: (near: WorldHost, far: WorldHost) => Promise<void>) => {
      test(name, async () => {
        try {
          await body(...world.hosts)
        } finally {
          for (const host of world.hosts)
            for (const { networkId } of await host.fabric().list()) await host.fabric().remove(networkId)
        }
      })
    }

    statementFacts(fact)
    trafficFacts(fact)
    addressFacts(fact)
  })
}

type Fact = (name: string, body: (near: WorldHost, far: WorldHost) => Promise<void>) => void

function statementFacts(fact: Fact): void {
  fact('a second apply of the same statement changes nothing', async (near, far) => {
    const network = sampleNetwork({
      localPorts: [samplePort(11), samplePort(12, { portSecurityEnabled: false })],
      remotePorts: [asRemote(samplePort(13), far.tunnelIp)],
    })
    const first = await near.fabric().apply(network)
    assert.ok(first.changes > 0)
    const second = await near.fabric().apply(network)
    assert.equal(second.changes, 0)
    assert.deepEqual(second.taps, first.taps)
  })

  fact('every local port has a tap of its own, with a name that Linux accepts', async (near) => {
    const ports = [samplePort(11), samplePort(12)]
    const { taps } = await near.fabric().apply(sampleNetwork({ localPorts: ports }))
    assert.deepEqual([...taps.keys()].sort(), ports.map(({ id }) => id).sort())
    assert.equal(new Set(taps.values()).size, 2)
    for (const tap of taps.values()) assert.match(tap, /^at-t[0-9a-f]{11}$/)
  })

  fact('list tells what is wired, also after the peer was killed', async (near) => {
    const ports = [samplePort(12), samplePort(11)]
    const network = sampleNetwork({ localPorts: ports })
    const { taps } = await near.fabric().apply(network)
    const expected = [{ networkId: network.id, portIds: ports.map(({ id }) => id).sort() }]
    assert.deepEqual(await near.fabric().list(), expected)
    await near.restartPeer()
    assert.deepEqual(await near.fabric().list(), expected)
    assert.deepEqual((await near.fabric().apply(network)).taps, taps)
    assert.equal((await near.fabric().apply(network)).changes, 0)
  })

  fact('a port that is not stated any more is gone, and so is a removed network', async (near) => {
    const network = sampleNetwork({ localPorts: [samplePort(11), samplePort(12)] })
    await near.fabric().apply(network)
    await near.fabric().apply({ ...network, localPorts: [samplePort(12)] })
    assert.deepEqual(await near.fabric().list(), [{ networkId: network.id, portIds: [samplePort(12).id] }])
    await near.fabric().remove(network.id)
    assert.deepEqual(await near.fabric().list(), [])
    await near.fabric().remove(network.id)
  })

  fact(
    'two ids with the same first 11 digits are refused, in one network and across networks',
    async (near) => {
      const port = samplePort(11)
      const twin = samplePort(12, { id: `${port.id.slice(0, -1)}c` })
      const network = sampleNetwork({ localPorts: [port] })
      await assert.rejects(
        near.fabric().apply({ ...network, localPorts: [port, twin] }),
        isError(DeviceNameTaken),
      )
      await near.fabric().apply(network)
      const twinNetwork = sampleNetwork({ id: `${network.id.slice(0, -1)}c`, vni: 4712 })
      await assert.rejects(near.fabric().apply(twinNetwork), isError(DeviceNameTaken))
      const other = sampleNetwork({
        id: '0ddba11a-0000-4000-8000-000000000001',
        vni: 4713,
        localPorts: [twin],
      })
      await assert.rejects(near.fabric().apply(other), isError(DeviceNameTaken))
      assert.equal((await near.fabric().apply(network)).changes, 0)
    },
  )

  fact('a statement that contradicts itself is refused and wires nothing', async (near) => {
    const port = samplePort(11)
    const outside = samplePort(12, {
      fixedIps: [{ ...(port.fixedIps[0] ?? never()), ipAddress: '10.20.31.1' }],
    })
    for (const localPorts of [
      [port, port],
      [outside],
      [{ ...port, hostname: 'a b' }],
      [{ ...port, macAddress: 'x' }],
    ])
      await assert.rejects(near.fabric().apply(sampleNetwork({ localPorts })), isError(FabricNetworkInvalid))
    for (const changes of [{ vni: 0 }, { vni: 2 ** 24 }, { mtu: 10 }, { id: 'x\nlink del eth0' }])
      await assert.rejects(near.fabric().apply(sampleNetwork(changes)), isError(FabricNetworkInvalid))
    assert.deepEqual(await near.fabric().list(), [])
  })
}

function trafficFacts(fact: Fact): void {
  fact('ports of one host reach each other, unless one is administratively down', async (near) => {
    const [left, right] = [samplePort(11), samplePort(12)]
    const network = sampleNetwork({ localPorts: [left, right] })
    await near.fabric().apply(network)
    const guest = await near.boot(left)
    const other = await near.boot(right)
    await Promise.all([guest.lease(), other.lease()])
    assert.equal(await guest.reaches(right), true)
    await near.fabric().apply({ ...network, localPorts: [left, { ...right, isAdminStateUp: false }] })
    assert.equal(await guest.reaches(right), false)
    await near.fabric().apply(network)
    assert.equal(await guest.reaches(right), true)
  })

  fact(
    'ports of two hosts reach each other where both hosts know where the other port is',
    async (near, far) => {
      const [left, right] = [samplePort(11), samplePort(12)]
      const nearNetwork = sampleNetwork({ localPorts: [left], remotePorts: [asRemote(right, far.tunnelIp)] })
      const farNetwork = sampleNetwork({ localPorts: [right], remotePorts: [asRemote(left, near.tunnelIp)] })
      await Promise.all([near.fabric().apply(nearNetwork), far.fabric().apply(farNetwork)])
      const [guest, other] = [await near.boot(left), await far.boot(right)]
      await Promise.all([guest.lease(), other.lease()])
      assert.equal(await guest.reaches(right), true)
      assert.equal(await other.reaches(left), true)
      await near.fabric().apply({ ...nearNetwork, remotePorts: [] })
      assert.equal(await guest.reaches(right), false)
      await near.fabric().apply(nearNetwork)
      assert.equal(await guest.reaches(right), true)
    },
  )

  fact('guests keep their connection while the peer is killed and started again', async (near, far) => {
    const [left, right] = [samplePort(11), samplePort(12)]
    const network = sampleNetwork({ localPorts: [left], remotePorts: [asRemote(right, far.tunnelIp)] })
    await near.fabric().apply(network)
    await far
      .fabric()
      .apply(sampleNetwork({ localPorts: [right], remotePorts: [asRemote(left, near.tunnelIp)] }))
    const [guest, other] = [await near.boot(left), await far.boot(right)]
    await Promise.all([guest.lease(), other.lease()])
    await near.restartPeer()
    assert.equal(await guest.reaches(right), true)
    await near.fabric().apply(network)
    assert.equal(await guest.reaches(right), true)
    assert.deepEqual(await guest.metadataCaller(), { networkId: network.id, portId: left.id })
  })
}

function addressFacts(fact: Fact): void {
  fact(
    'a guest gets its reserved address and all options by DHCP, also on two hosts at once',
    async (near, far) => {
      for (const [host, number] of [
        [near, 11],
        [far, 12],
      ] as const) {
        const port = samplePort(number)
        await host.fabric().apply(sampleNetwork({ localPorts: [port] }))
        const guest = await host.boot(port)
        assert.deepEqual(await guest.lease(), {
          ipAddress: `10.20.30.${number}`,
          hostname: `guest-${number}`,
          router: '10.20.30.1',
          dnsNameservers: ['9.9.9.9', '1.1.1.1'],
          mtu: 1450,
          leaseSeconds: 86_400,
          routes: [
            { destination: '169.254.169.254/32', nexthop: '10.20.30.2' },
            { destination: '192.0.2.0/24', nexthop: '10.20.30.254' },
            { destination: '0.0.0.0/0', nexthop: '10.20.30.1' },
          ],
        })
      }
    },
  )

  fact('a subnet without a gateway gives no default route, and one without DHCP no lease', async (near) => {
    const port = samplePort(11)
    const network = sampleNetwork({ localPorts: [port] })
    const [subnet = never()] = network.subnets
    await near.fabric().apply({ ...network, subnets: [{ ...subnet, gatewayIp: null, dnsNameservers: [] }] })
    const guest = await near.boot(port)
    const lease = await guest.lease()
    assert.equal(lease?.router, null)
    assert.deepEqual(lease?.dnsNameservers, [])
    assert.deepEqual(
      lease?.routes.map(({ destination }) => destination),
      ['169.254.169.254/32', '192.0.2.0/24'],
    )
    await near.fabric().apply({ ...network, subnets: [{ ...subnet, dhcp: null }] })
    assert.equal(await guest.lease(), undefined)
    assert.equal(await guest.metadataCaller(), undefined)
  })

  fact('an address passes from a deleted port to a new one at once', async (near) => {
    const port = samplePort(11)
    const heir = samplePort(12, { fixedIps: port.fixedIps })
    await near.fabric().apply(sampleNetwork({ localPorts: [port] }))
    assert.equal((await (await near.boot(port)).lease())?.ipAddress, '10.20.30.11')
    await near.fabric().apply(sampleNetwork({ localPorts: [heir] }))
    assert.equal((await (await near.boot(heir)).lease())?.ipAddress, '10.20.30.11')
  })

  fact('a port that is added while DHCP runs gets its lease', async (near) => {
    await near.fabric().apply(sampleNetwork({ localPorts: [samplePort(11)] }))
    const added = samplePort(12)
    await near.fabric().apply(sampleNetwork({ localPorts: [samplePort(11), added] }))
    assert.equal((await (await near.boot(added)).lease())?.ipAddress, '10.20.30.12')
  })

  fact('guests of one name both get it, each with its own address', async (near) => {
    const ports = [11, 12].map((number) => samplePort(number, { hostname: 'web' }))
    await near.fabric().apply(sampleNetwork({ localPorts: ports }))
    for (const port of ports) {
      const { ipAddress, hostname } = (await (await near.boot(port)).lease()) ?? {}
      assert.deepEqual({ ipAddress, hostname }, { ipAddress: port.fixedIps[0]?.ipAddress, hostname: 'web' })
    }
  })

  fact('metadata knows each caller by its port', async (near) => {
    const ports = [samplePort(11), samplePort(12)]
    const network = sampleNetwork({ localPorts: ports })
    await near.fabric().apply(network)
    for (const port of ports) {
      const guest = await near.boot(port)
      await guest.lease()
      assert.deepEqual(await guest.metadataCaller(), { networkId: network.id, portId: port.id })
    }
  })
}

function isError(factory: { is(error: unknown): boolean }) {
  return (error: unknown) => factory.is(error)
}

function never(): never {
  throw new Error('the sample network has a subnet and its ports have addresses')
}
