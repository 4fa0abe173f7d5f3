/** The trees as cloud-init's OpenStack and EC2 data sources, and EC2's own clients, read them. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { answerMetadata } from './answer-metadata.ts'
import { examplePorts, exampleServer, KEY, SERVER_ID, USER_DATA } from './metadata-example.ts'
import { metadataTree } from './metadata-tree.ts'

const tree = metadataTree(exampleServer(), examplePorts)
const bare = metadataTree(exampleServer({ user_data: null, key_name: null, public_key: null }), [])

const text = (path: string, from = tree) => {
  const { status, body } = answerMetadata(from, path)
  assert.equal(status, 200, path)
  return body.toString()
}
const lines = (path: string, from = tree) => text(path, from).split('\n')
const json = (path: string) => JSON.parse(text(path))

suite('the OpenStack tree', () => {
  test('lists its versions bare, the one that is always there last', () => {
    for (const path of ['/openstack', '/openstack/', '//openstack//', '/openstack?x=/y']) {
      assert.equal(lines(path).at(-1), 'latest')
      assert.ok(
        lines(path)
          .slice(0, -1)
          .every((version) => /^\d{4}-\d\d-\d\d$/.test(version)),
      )
    }
    for (const version of ['2012-08-10', '2015-10-15', '2018-08-27']) {
      assert.ok(lines('/openstack').includes(version))
    }
  })

  test('lists the same files in every version, with and without a slash', () => {
    const names = [
      'meta_data.json',
      'network_data.json',
      'user_data',
      'vendor_data.json',
      'vendor_data2.json',
    ]
    for (const version of lines('/openstack')) {
      assert.deepEqual(lines(`/openstack/${version}`), names)
      assert.deepEqual(lines(`/openstack/${version}/`), names)
    }
    assert.deepEqual(
      lines('/openstack/latest/', bare),
      names.filter((name) => name !== 'user_data'),
    )
  })

  test('says who the guest is, in any script', () => {
    const { status, contentType, body } = answerMetadata(tree, '/openstack/latest/meta_data.json')
    assert.deepEqual([status, contentType], [200, 'application/json'])
    assert.deepEqual(JSON.parse(body.toString('utf8')), {
      uuid: SERVER_ID,
      availability_zone: 'here',
      hostname: 'ubersee',
      launch_index: 2,
      name: 'Übersee 🏝',
      project_id: 'p1',
      meta: { place: 'atoll 🏝', ключ: 'значение' },
      devices: [
        { type: 'nic', bus: 'none', address: 'none', mac: 'fa:16:3e:00:00:02', tags: ['storage'] },
        { type: 'disk', bus: 'none', address: 'none', path: '/dev/vda', tags: ['root'] },
      ],
      public_keys: { 'my key': KEY },
      keys: [{ name: 'my key', type: 'ssh', data: KEY }],
    })
    const without = JSON.parse(text('/openstack/latest/meta_data.json', bare))
    assert.ok(!('public_keys' in without) && !('keys' in without))
  })

  test('says how to reach the network: by DHCP, or else with everything that DHCP would have said', () => {
    const dns = (address: string) => ({ type: 'dns', address })
    assert.deepEqual(json('/openstack/2018-08-27/network_data.json'), {
      links: [
        {
          id: 'tap55555555-55',
          vif_id: '55555555-5555-4555-8555-555555555555',
          type: 'bridge',
          mtu: 1400,
          ethernet_mac_address: 'fa:16:3e:00:00:01',
        },
        {
          id: 'tap66666666-66',
          vif_id: '66666666-6666-4666-8666-666666666666',
          type: 'bridge',
          mtu: 1500,
          ethernet_mac_address: 'fa:16:3e:00:00:02',
        },
      ],
      networks: [
        { id: 'network0-tap55555555-55', link: 'tap55555555-55', network_id: 'network-a', type: 'ipv4_dhcp' },
        {
          id: 'network0-tap66666666-66',
          link: 'tap66666666-66',
          network_id: 'network-b',
          type: 'ipv4',
          ip_address: '192.168.40.9',
          netmask: '255.255.248.0',
          routes: [
            { network: '0.0.0.0', netmask: '0.0.0.0', gateway: '192.168.40.1' },
            { network: '10.9.0.0', netmask: '255.255.0.0', gateway: '192.168.40.254' },
          ],
          services: [dns('9.9.9.9'), dns('1.1.1.1')],
        },
      ],
      services: [dns('9.9.9.9'), dns('1.1.1.1')],
    })
  })

  test('gives user data byte for byte', () => {
    for (const path of ['/openstack/latest/user_data', '/2009-04-04/user-data', '/latest/user-data']) {
      assert.deepEqual(answerMetadata(tree, path).body, USER_DATA)
    }
  })

  test('has vendor data of both kinds, empty', () => {
    assert.deepEqual(json('/openstack/latest/vendor_data.json'), {})
    assert.deepEqual(json('/openstack/latest/vendor_data2.json'), {})
  })
})

suite('the EC2 tree', () => {
  test('is announced at the root, and nothing else is', () => {
    for (const path of ['', '/', '//', '/?a']) assert.deepEqual(lines(path), ['2009-04-04', 'latest'])
  })

  test('lists directories with a slash, and keys by number and name', () => {
    assert.deepEqual(lines('/2009-04-04'), ['meta-data/', 'user-data'])
    assert.deepEqual(lines('/latest/', bare), ['meta-data/'])
    const names = lines('/2009-04-04/meta-data/')
    for (const name of ['ami-id', 'block-device-mapping/', 'instance-id', 'placement/', 'public-keys/']) {
      assert.ok(names.includes(name), name)
    }
    assert.deepEqual(lines('/2009-04-04/meta-data/public-keys/'), ['0=my key'])
    assert.deepEqual(lines('/2009-04-04/meta-data/public-keys/0'), ['openssh-key'])
    assert.equal(text('/2009-04-04/meta-data/public-keys/0/openssh-key'), KEY)
    assert.ok(!lines('/latest/meta-data', bare).includes('public-keys/'))
  })

  test('can be walked from its root to every leaf, as cloud-init does', () => {
    const leaves = new Map<string, string>()
    const walk = (path: string) => {
      for (const line of lines(path)) {
        const [ident, name] = line.split('=')
        if (line.endsWith('/')) walk(path + line)
        else if (name === undefined) leaves.set(path + line, text(path + line))
        else leaves.set(`${path}${name}`, text(`${path}${ident}/openssh-key`))
      }
    }
    walk('/2009-04-04/meta-data/')
    const leaf = (name: string) => leaves.get(`/2009-04-04/meta-data/${name}`)
    assert.equal(leaf('local-ipv4'), '10.0.0.7')
    assert.equal(leaf('instance-type'), 'm1.small')
    assert.equal(leaf('placement/availability-zone'), 'here')
    assert.equal(leaf('security-groups'), 'default\nweb')
    assert.equal(leaf('public-keys/my key'), KEY)
    assert.match(leaf('instance-id') ?? '', /^i-[0-9a-f]{8}$/)
  })
})

test('what is not there is a 404, a password and what lies outside of the tree too', () => {
  const paths = [
    '/openstack/latest/password',
    '/openstack/2099-01-01/meta_data.json',
    '/openstack/latest/../../etc/passwd',
    '/latest/dynamic/instance-identity',
    '/openstack/latest/meta_data.json/x',
    '/__proto__',
    '/%ff',
  ]
  for (const path of paths) assert.equal(answerMetadata(tree, path).status, 404, path)
})
