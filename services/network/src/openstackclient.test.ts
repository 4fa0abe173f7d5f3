/** The real openstackclient, where it is installed, against this API alone: its token is taken as it is given. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { type Bearer, networkSite } from './testing/network-site.ts'

const PROGRAM = '/usr/bin/openstack'
const TIMEOUT_MS = 60_000

/** Runs commands in one process. Answers with the JSON documents that they print, and what they complain of. */
async function openstack(endpoint: string, token: Bearer, commands: readonly string[]) {
  const env = { PATH: process.env.PATH, OS_AUTH_TYPE: 'admin_token', OS_ENDPOINT: endpoint, OS_TOKEN: token }
  const child = spawn(PROGRAM, { env, timeout: TIMEOUT_MS })
  child.stdin.end(commands.join('\n'))
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  const documents = printed.split(/\n(?=[[{])/).filter((document) => document.trim() !== '')
  return { documents: documents.map((document) => JSON.parse(document)), complaints }
}

test('openstackclient creates, lists, shows, changes and deletes', {
  skip: !existsSync(PROGRAM),
}, async (t) => {
  const { server } = await networkSite(t)
  const endpoint = `${await server.listen({ port: 0, host: '127.0.0.1' })}/network`
  const { documents, complaints } = await openstack(endpoint, 'member', [
    'network create -f json --tag red net1',
    'subnet create -f json --network net1 --subnet-range 10.0.0.0/24 --dns-nameserver 9.9.9.9 sub1',
    'port create -f json --network net1 --fixed-ip subnet=sub1,ip-address=10.0.0.7 port1',
    'network set --name net2 net1',
    'subnet set --description hello sub1',
    'port set --device vm --name port2 port1',
    'network show -f json net2',
    'subnet show -f json sub1',
    'port show -f json port2',
    'network list -f json --long',
    'subnet list -f json --long --network net2',
    'port list -f json --long --fixed-ip ip-address=10.0.0.7',
    'extension show -f json port-security',
    'port delete port2',
    'subnet delete sub1',
    'network delete net2',
    'network list -f json',
  ])
  assert.equal(complaints, '')
  const [network, subnet, port, shownNetwork, shownSubnet, shownPort, ...lists] = documents
  assert.deepEqual([network.name, network.mtu, network.tags], ['net1', 1400, ['red']])
  assert.deepEqual([subnet.cidr, subnet.dns_nameservers], ['10.0.0.0/24', ['9.9.9.9']])
  assert.deepEqual(port.fixed_ips, [{ subnet_id: subnet.id, ip_address: '10.0.0.7' }])
  assert.deepEqual([shownNetwork.name, shownNetwork.subnets], ['net2', [subnet.id]])
  assert.equal(shownSubnet.description, 'hello')
  assert.deepEqual([shownPort.name, shownPort.device_id, shownPort.status], ['port2', 'vm', 'DOWN'])
  const [networks, subnets, ports, extension, none] = lists
  assert.deepEqual([networks.length, networks[0].Subnets], [1, [subnet.id]])
  assert.deepEqual([subnets.length, subnets[0].Subnet], [1, '10.0.0.0/24'])
  assert.deepEqual([ports.length, ports[0].ID], [1, port.id])
  assert.equal(extension.alias, 'port-security')
  assert.deepEqual(none, [])
})

test("openstackclient shows Neutron's own words", { skip: !existsSync(PROGRAM) }, async (t) => {
  const { server } = await networkSite(t)
  const endpoint = `${await server.listen({ port: 0, host: '127.0.0.1' })}/network`
  const { documents, complaints } = await openstack(endpoint, 'admin', [
    'network create -f json --share --external net1',
    'subnet create --network net1 --ip-version 6 --subnet-range fd00::/64 sub6',
    'subnet create -f json --network net1 --subnet-range 10.0.0.0/30 sub1',
    'port create --network net1 port1',
    'port list -f json --host h1',
  ])
  const [network, , ports] = documents
  assert.deepEqual([network.shared, network['provider:segmentation_id']], [true, 4096])
  assert.match(complaints, /IPv6 subnets are not supported/)
  assert.match(complaints, /No more IP addresses available on network/)
  assert.deepEqual(ports, [])
})
