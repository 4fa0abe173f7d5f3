import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { sleep, systemClock } from '@atoll/kit'
import { deviceName } from '../device-name.ts'
import type { FabricNetwork, LocalPort } from '../fabric.ts'
import { fabricSuite } from '../testing/fabric-suite.ts'
import { asRemote, sampleNetwork, samplePort } from '../testing/fabric-world.ts'
import { type LinuxHost, type LinuxWorld, linuxWorld } from '../testing/linux-world.ts'

const skip = process.geteuid?.() === 0 ? false : 'needs root, to make network namespaces'

fabricSuite('Linux', linuxWorld, skip)

describe('the Linux fabric, beyond the suite', { skip }, () => {
  let world: LinuxWorld
  before(async () => {
    world = await linuxWorld()
  })
  after(() => world.close())

  const fact = (name: string, body: (near: LinuxHost, far: LinuxHost) => Promise<void>) => {
    test(name, async () => {
      try {
        await body(...world.hosts)
      } finally {
        for (const host of world.hosts) await host.fabric().remove(sampleNetwork().id)
      }
    })
  }

  fact('a guest that forges its address is not heard, unless port security is off', async (near) => {
    const [port, witness] = [samplePort(11), samplePort(12)]
    const network = sampleNetwork({ localPorts: [port, witness] })
    const guest = await wire(near, network, port)
    await (await near.boot(witness)).lease()
    const forge = async (...change: string[]) => {
      await guest.try('ip', ...change)
      await guest.try('ip', 'neigh', 'flush', 'all')
      return guest.reaches(witness)
    }
    const forgedIp = ['address', 'replace', '10.20.30.99/24', 'dev', 'eth0']
    const forgedMac = ['link', 'set', 'eth0', 'address', 'fa:16:3e:00:00:99']
    const ownMac = ['link', 'set', 'eth0', 'address', port.macAddress]
    assert.equal(await guest.reaches(witness), true)
    assert.equal(await forge(...forgedMac), false)
    assert.equal(await forge(...ownMac), true)
    await guest.try('ip', 'address', 'flush', 'dev', 'eth0')
    assert.equal(await forge(...forgedIp), false)

    await near.fabric().apply({ ...network, localPorts: [{ ...port, portSecurityEnabled: false }, witness] })
    assert.equal(await forge(...forgedIp), true)
    assert.equal(await forge(...forgedMac), true)
  })

  fact(
    'each forgery is dropped by itself: by IP alone, by ARP alone, and answers in the name of DHCP',
    async (near) => {
      const [port, witness] = [samplePort(11), samplePort(12)]
      const network = sampleNetwork({ localPorts: [port, witness] })
      const guest = await wire(near, network, port)
      const other = await near.boot(witness)
      await other.lease()
      const seen = 'table ip seen { chain in { type filter hook input priority 0; udp sport 67 counter; }; }'
      assert.ok((await other.try('nft', seen)).isOk)
      const neighbour = ['10.20.30.99', 'lladdr', port.macAddress, 'dev', 'eth0']
      assert.ok((await other.try('ip', 'neigh', 'replace', ...neighbour, 'nud', 'permanent')).isOk)
      assert.ok((await guest.try('ip', 'address', 'add', '10.20.30.99/24', 'dev', 'eth0')).isOk)
      const script =
        "const s = require('dgram').createSocket('udp4'); s.bind(67, () => s.send('x', 9, '10.20.30.12', () => s.close()))"
      // In this order: the first makes the neighbours known to each other, so that the second needs no ARP.
      const forgeries = {
        dhcp: async () => {
          assert.ok((await guest.try(process.execPath, '-e', script)).isOk)
          // Frames of one sender keep their order: the answered ping means that the datagram has arrived or was dropped.
          assert.equal(await guest.reaches(witness), true)
          return /packets [1-9]/.test((await other.try('nft', 'list', 'table', 'ip', 'seen')).stdout)
        },
        ip: async () =>
          (await guest.try('busybox', 'ping', '-I', '10.20.30.99', '-c', '1', '-W', '1', '10.20.30.12')).isOk,
        arp: async () => (await guest.try(...arping, '-s', '10.20.30.99', '10.20.30.12')).isOk,
      }
      for (const [name, passes] of Object.entries(forgeries)) assert.equal(await passes(), false, name)
      await near
        .fabric()
        .apply({ ...network, localPorts: [{ ...port, portSecurityEnabled: false }, witness] })
      for (const [name, passes] of Object.entries(forgeries)) assert.equal(await passes(), true, name)
    },
  )

  fact('a guest that takes an address which is no port of the network gets no metadata', async (near) => {
    const port = samplePort(11, { portSecurityEnabled: false })
    const guest = await wire(near, sampleNetwork({ localPorts: [port] }), port)
    assert.equal((await guest.metadataCaller())?.portId, port.id)
    await guest.try('ip', 'address', 'flush', 'dev', 'eth0')
    await guest.try('ip', 'address', 'add', '10.20.30.99/24', 'dev', 'eth0')
    await guest.try('ip', 'route', 'add', '169.254.169.254', 'via', '10.20.30.2')
    assert.equal(await guest.metadataCaller(), undefined)
    const { stderr } = await guest.try('busybox', 'wget', '-O', '-', 'http://169.254.169.254/')
    assert.match(stderr, /404 Not Found/)
  })

  fact('a guest cannot speak with the host itself', async (near) => {
    const port = samplePort(11, { portSecurityEnabled: false })
    const guest = await wire(near, sampleNetwork({ localPorts: [port] }), port)
    await guest.try('ip', 'route', 'add', near.tunnelIp, 'dev', 'eth0')
    assert.equal((await guest.try('busybox', 'ping', '-c', '1', '-W', '1', near.tunnelIp)).isOk, false)
    const { stdout } = await guest.try('ip', 'neigh', 'show', near.tunnelIp)
    assert.doesNotMatch(stdout, /lladdr/)
  })

  fact(
    'nothing is flooded to other hosts: not a frame leaves for an address that is nowhere',
    async (near, far) => {
      const [port, remote] = [samplePort(11), samplePort(12)]
      await near.run(
        'nft',
        'table ip sent { chain out { type filter hook output priority 0; udp dport 4789 counter; }; }',
      )
      const sent = async () =>
        Number(/packets (\d+)/.exec(await near.run('nft', 'list', 'table', 'ip', 'sent'))?.[1])
      const network = sampleNetwork({ localPorts: [port], remotePorts: [asRemote(remote, far.tunnelIp)] })
      const guest = await wire(near, network, port)
      await guest.metadataCaller()
      assert.equal(await guest.reaches(samplePort(77)), false)
      await guest.try('busybox', 'ping', '-b', '-c', '2', '-W', '1', '10.20.30.255')
      assert.equal(await sent(), 0)
      await guest.reaches(remote)
      assert.ok((await sent()) > 0)
      const entries = await near.run('bridge', 'fdb', 'show', 'dev', deviceName('vxlan', network.id))
      assert.doesNotMatch(entries, /00:00:00:00:00:00/)
      await near.run('nft', 'delete table ip sent')
    },
  )

  fact('what is broken by hand is healed, and what is healthy is not touched', async (near) => {
    const port = samplePort(11)
    const network = sampleNetwork({
      localPorts: [port],
      remotePorts: [asRemote(samplePort(12), '198.18.0.2')],
    })
    const guest = await wire(near, network, port)
    const [tap, dhcp] = [await indexOf(near, port), await dhcpProcesses(near)]
    for (const command of [
      `ip link delete ${deviceName('vxlan', network.id)}`,
      `ip link set ${deviceName('tap', port.id)} nomaster`,
      `ip link set ${deviceName('bridge', network.id)} down`,
      `ip neighbour flush nud permanent dev ${deviceName('vxlan', network.id)}`,
      'nft flush ruleset',
    ]) {
      await near.run(...command.split(' '))
      assert.ok((await near.fabric().apply(network)).changes > 0, command)
      assert.deepEqual(await near.fabric().plan(network), [], command)
    }
    assert.equal(await indexOf(near, port), tap)
    assert.deepEqual(await dhcpProcesses(near), dhcp)
    assert.deepEqual(await guest.metadataCaller(), { networkId: network.id, portId: port.id })
  })

  fact(
    'DHCP that died is started again, also when its device or its whole namespace is gone',
    async (near) => {
      const port = samplePort(11)
      const network = sampleNetwork({ localPorts: [port] })
      const guest = await wire(near, network, port)
      const [pid] = await dhcpProcesses(near)
      assert.ok(pid)
      process.kill(pid)
      await until(async () => (await dhcpProcesses(near)).length === 0)
      await near.fabric().apply(network)
      assert.equal((await guest.lease())?.ipAddress, '10.20.30.11')

      await near.run('ip', 'link', 'delete', deviceName('dhcp', network.id))
      await near.fabric().apply(network)
      assert.deepEqual(await near.fabric().plan(network), [])
      assert.deepEqual(await guest.metadataCaller(), { networkId: network.id, portId: port.id })

      // The name of the namespace dies with the peer's mount namespace, and its last process now.
      await near.fabric().close()
      const [second] = await dhcpProcesses(near)
      assert.ok(second)
      await near.restartPeer()
      process.kill(second)
      await until(async () => (await dhcpProcesses(near)).length === 0)
      await near.fabric().apply(network)
      assert.deepEqual(await near.fabric().plan(network), [])
      assert.equal((await guest.lease())?.ipAddress, '10.20.30.11')
      assert.deepEqual(await guest.metadataCaller(), { networkId: network.id, portId: port.id })
    },
  )

  fact('a restarted peer adopts the DHCP server that runs', async (near) => {
    const network = sampleNetwork({ localPorts: [samplePort(11)] })
    await near.fabric().apply(network)
    const running = await dhcpProcesses(near)
    assert.equal(running.length, 1)
    await near.restartPeer()
    await near.fabric().apply(network)
    assert.deepEqual(await dhcpProcesses(near), running)
  })

  fact(
    'a peer that is killed while it wires leaves nothing that the next apply cannot finish',
    async (near) => {
      const localPorts = Array.from({ length: 20 }, (_, index) => samplePort(index + 11))
      const network = sampleNetwork({ localPorts })
      for (const device of [
        deviceName('bridge', network.id),
        deviceName('tap', localPorts.at(-1)?.id ?? ''),
      ]) {
        const killed = assert.rejects(near.fabric().apply(network))
        await until(async () => (await near.run('ip', 'link')).includes(device))
        await near.restartPeer()
        await killed
        // A program that the dead peer had started may still be at work: then an apply fails, and is repeated.
        await until(() =>
          near
            .fabric()
            .apply(network)
            .then(
              () => true,
              () => false,
            ),
        )
        assert.deepEqual(await near.fabric().plan(network), [])
        await near.fabric().remove(network.id)
      }
    },
  )

  fact('removal leaves no device, namespace, table, file or process behind', async (near, far) => {
    const pristine = await footprint(near)
    const port = samplePort(11)
    await wire(near, sampleNetwork({ localPorts: [port, samplePort(13)] }), port)
    await far.fabric().apply(sampleNetwork({ localPorts: [samplePort(12)] }))
    const wired = await footprint(near)
    for (const kind of ['devices', 'namespaces', 'tables', 'directories', 'processes'] as const)
      assert.notDeepEqual(wired[kind], pristine[kind], kind)
    await near.restartPeer()
    await near.fabric().remove(sampleNetwork().id)
    assert.deepEqual(await footprint(near), pristine)
    assert.equal((await far.fabric().list()).length, 1)
  })
})

const isQemuMissing = spawnSync('qemu-system-x86_64', ['--version']).status !== 0

test('a virtual machine opens its tap and gets its address', {
  skip: skip || (isQemuMissing ? 'needs qemu-system-x86' : false),
}, async () => {
  const world = await linuxWorld({ attach: 'tap' })
  const [host] = world.hosts
  try {
    const port = samplePort(11)
    const { taps } = await host.fabric().apply(sampleNetwork({ localPorts: [port] }))
    const tap = taps.get(port.id) ?? ''
    assert.match(await host.run('ip', '-d', 'link', 'show', tap), /tun type tap .*vnet_hdr on .*persist on/)
    const expected = /10\.20\.30\.11\/255\.255\.255\.0 gw 10\.20\.30\.1/
    await host.bootMachine({ tap, port, expected })
    // The tap stays when the machine is gone, and nothing has to be repaired.
    assert.deepEqual(await host.fabric().plan(sampleNetwork({ localPorts: [port] })), [])
    await host.fabric().remove(sampleNetwork().id)
  } finally {
    await world.close()
  }
})

const arping = ['busybox', 'arping', '-I', 'eth0', '-c', '1', '-w', '1']

async function wire(host: LinuxHost, network: FabricNetwork, port: LocalPort) {
  await host.fabric().apply(network)
  const guest = await host.boot(port)
  await guest.lease()
  return guest
}

async function indexOf(host: LinuxHost, port: LocalPort): Promise<number> {
  return JSON.parse(await host.run('ip', '-j', 'link', 'show', deviceName('tap', port.id)))[0].ifindex
}

/** Everything that a host could be left with. The namespaces and files of other hosts are not counted. */
async function footprint(host: LinuxHost) {
  const links: { ifname: string }[] = JSON.parse(await host.run('ip', '-j', 'link'))
  const own = (name: string) => name.includes(host.owner)
  return {
    devices: links.map(({ ifname }) => ifname),
    namespaces: (await readdir('/run/netns')).filter(own),
    tables: await host.run('nft', 'list', 'tables'),
    directories: (await readdir('/run')).filter(own),
    processes: await dhcpProcesses(host),
  }
}

async function dhcpProcesses(host: LinuxHost): Promise<readonly number[]> {
  const found: number[] = []
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const words = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).split('\0')
    if (words[0] === 'dnsmasq' && words[1]?.includes(host.owner)) found.push(Number(entry))
  }
  return found
}

const WAIT_MS_MAX = 20_000

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + WAIT_MS_MAX
  while (!(await condition())) {
    assert.ok(systemClock.monotonicMs() < deadlineMs, 'the condition did not come true')
    await sleep(systemClock, 5)
  }
}
