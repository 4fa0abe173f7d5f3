import assert from 'node:assert/strict'
import test from 'node:test'
import { sampleNetwork, samplePort } from '../testing/fabric-world.ts'
import { dhcpConfiguration, dhcpReservations } from './dhcp-config.ts'
import { networkNames } from './wanted.ts'

const network = sampleNetwork()
const naming = { owner: '0123abcd', namespacePrefix: 'atoll', runDirectory: '/run/atoll-0123abcd' }
const options = { names: networkNames(network.id, naming), mtu: 1450 }

test('a network without DHCP has no configuration', () => {
  const subnets = network.subnets.map((subnet) => ({ ...subnet, dhcp: null }))
  assert.equal(dhcpConfiguration({ ...network, subnets }, options), undefined)
})

test('options without a value are stated empty, so that dnsmasq does not send its own address', () => {
  const subnets = network.subnets.map((subnet) => ({ ...subnet, gatewayIp: null, dnsNameservers: [] }))
  const lines = dhcpConfiguration({ ...network, subnets }, options)?.split('\n') ?? []
  assert.ok(lines.includes('dhcp-option=tag:subnet0,option:router'))
  assert.ok(lines.includes('dhcp-option=tag:subnet0,option:dns-server'))
})

test('a port reserves its first address in each subnet', () => {
  const port = samplePort(11)
  const [first] = port.fixedIps
  assert.ok(first)
  const fixedIps = [
    first,
    { ...first, ipAddress: '10.20.30.200' },
    { subnetId: 'other', ipAddress: '10.99.0.5' },
  ]
  assert.deepEqual(
    [...dhcpReservations({ ...network, localPorts: [{ ...port, fixedIps }] })],
    ['fa:16:3e:00:00:0b,10.20.30.11,guest-11', 'fa:16:3e:00:00:0b,10.99.0.5,guest-11'],
  )
})
