/** Bodies that are good, for endpoints of which the schema does not say all, or asks for what must exist. */

import type { ContractPeer, Target } from '../peer/contract-peer.ts'
import { PASSWORD, PUBLIC_KEY } from '../peer/tenancy.ts'
import { instanceOf } from './from-schema.ts'

type Ids = ContractPeer['ids']

const PROJECT_IN_PATH = /\/:project_id\(\^\[0-9a-f-\]\+\$\)/

/** `POST /compute/v2.1/servers`, whether or not there is a project in the path. */
export function plainName({ name }: Target): string {
  return name.replace(PROJECT_IN_PATH, '')
}

/** True for the second form of compute's paths, which performs the same. */
export function isWithProject({ name }: Target): boolean {
  return PROJECT_IN_PATH.test(name)
}

const samples: Readonly<Record<string, (ids: Ids, unique: string, target: Target) => unknown>> = {
  'POST /identity/v3/auth/tokens': ({ alphaUser, alphaProject }) => ({
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: {
            id: alphaUser,
            name: 'ann',
            domain: { id: 'default', name: 'Default' },
            password: PASSWORD,
          },
        },
      },
      scope: { project: { id: alphaProject, name: 'alpha', domain: { id: 'default' } } },
    },
  }),
  'POST /identity/v3/projects': ({ domain }, name) => ({
    project: {
      name,
      domain_id: 'default',
      parent_id: 'default',
      description: 'd',
      enabled: true,
      is_domain: false,
      tags: ['t'],
      options: {},
      extra: domain,
    },
  }),
  'POST /identity/v3/users': ({ alphaProject }, name) => ({
    user: {
      name,
      domain_id: 'default',
      password: PASSWORD,
      default_project_id: alphaProject,
      enabled: true,
      description: 'd',
      email: 'e',
      options: {},
    },
  }),
  'PATCH /identity/v3/users/:user_id': ({ alphaProject }, name) => ({
    user: {
      name,
      password: PASSWORD,
      default_project_id: alphaProject,
      enabled: true,
      description: 'd',
      email: 'e',
    },
  }),
  'PATCH /identity/v3/projects/:project_id': (_, name) => ({
    project: { name, description: 'd', enabled: true, tags: ['t'] },
  }),
  'PATCH /identity/v3/domains/:domain_id': (_, name) => ({
    domain: { name, description: 'd', enabled: false },
  }),
  'POST /identity/v3/domains': (_, name) => ({ domain: { name, description: 'd', enabled: true } }),
  'POST /identity/v3/roles': (_, name) => ({
    role: { name, description: 'd', domain_id: null, options: {} },
  }),
  'PATCH /identity/v3/roles/:role_id': (_, name) => ({ role: { name, description: 'd', options: {} } }),
  'POST /identity/v3/users/:user_id/password': () => ({
    user: { original_password: PASSWORD, password: PASSWORD },
  }),
  'POST /image/v2/images': (_, name) => ({
    name,
    visibility: 'private',
    protected: false,
    os_hidden: false,
    disk_format: 'raw',
    container_format: 'bare',
    tags: ['t'],
    min_ram: 0,
    min_disk: 0,
    some_property: 'x',
  }),
  'PATCH /image/v2/images/:image_id': () => [
    { op: 'replace', path: '/name', value: 'x' },
    { op: 'add', path: '/some_property', value: 'x' },
    { op: 'remove', path: '/some_property' },
    { op: 'replace', path: '/tags', value: ['t'] },
    { op: 'replace', path: '/min_disk', value: 0 },
  ],
  'POST /image/v2/images/:image_id/members': ({ betaProject }) => ({ member: betaProject }),
  'PUT /image/v2/images/:image_id/members/:member_id': () => ({ status: 'accepted' }),
  'POST /network/v2.0/networks': ({ alphaProject }, name) => ({
    network: {
      name,
      description: 'd',
      admin_state_up: true,
      shared: false,
      'router:external': false,
      mtu: 1400,
      port_security_enabled: true,
      project_id: alphaProject,
      availability_zone_hints: [],
    },
  }),
  'PUT /network/v2.0/networks/:id': (_, name) => ({
    network: {
      name,
      description: 'd',
      admin_state_up: true,
      shared: false,
      mtu: 1400,
      port_security_enabled: true,
    },
  }),
  'POST /network/v2.0/subnets': ({ network }, name) => ({
    subnet: {
      name,
      network_id: network,
      ip_version: 4,
      cidr: '10.1.0.0/24',
      gateway_ip: '10.1.0.1',
      enable_dhcp: false,
      dns_nameservers: ['8.8.8.8'],
      host_routes: [{ destination: '10.2.0.0/24', nexthop: '10.1.0.2' }],
      allocation_pools: [{ start: '10.1.0.10', end: '10.1.0.20' }],
      description: 'd',
    },
  }),
  'PUT /network/v2.0/subnets/:id': (_, name) => ({
    subnet: {
      name,
      gateway_ip: null,
      enable_dhcp: true,
      dns_nameservers: ['8.8.8.8'],
      host_routes: [],
      description: 'd',
    },
  }),
  'POST /network/v2.0/ports': ({ network, subnet }, name) => ({
    port: {
      name,
      network_id: network,
      fixed_ips: [{ subnet_id: subnet }],
      mac_address: 'fa:16:3e:00:00:01',
      admin_state_up: true,
      device_id: 'd',
      device_owner: 'compute:x',
      port_security_enabled: true,
      'binding:host_id': '',
      'binding:vnic_type': 'normal',
      'binding:profile': {},
      security_groups: [],
      allowed_address_pairs: [],
      extra_dhcp_opts: [],
    },
  }),
  'PUT /network/v2.0/ports/:id': ({ subnet }, name) => ({
    port: {
      name,
      description: 'd',
      admin_state_up: true,
      fixed_ips: [{ subnet_id: subnet }],
      device_id: '',
      device_owner: '',
    },
  }),
  'POST /compute/v2.1/servers': ({ flavor, image, network }, name) => ({
    server: {
      name,
      flavorRef: flavor,
      imageRef: image,
      networks: [{ uuid: network }],
      metadata: { a: 'b' },
      availability_zone: 'atlantic',
      config_drive: false,
      user_data: 'YWJj',
      security_groups: [{ name: 'default' }],
      min_count: 1,
      max_count: 1,
      'OS-DCF:diskConfig': 'AUTO',
      accessIPv4: '10.0.0.9',
      block_device_mapping_v2: [
        {
          uuid: image,
          source_type: 'image',
          destination_type: 'local',
          boot_index: 0,
          delete_on_termination: true,
        },
      ],
    },
    'os:scheduler_hints': {},
  }),
  'POST /compute/v2.1/servers/:server_id/action': () => ({ 'os-getConsoleOutput': { length: 10 } }),
  'POST /compute/v2.1/flavors': (_, name) => ({
    flavor: {
      name,
      id: 'auto',
      ram: 16,
      vcpus: 1,
      disk: 1,
      swap: 0,
      rxtx_factor: 1,
      'OS-FLV-EXT-DATA:ephemeral': 0,
      'os-flavor-access:is_public': true,
    },
  }),
  'POST /compute/v2.1/flavors/:flavor_id/action': ({ betaProject }) => ({
    addTenantAccess: { tenant: betaProject },
  }),
  'POST /compute/v2.1/flavors/:flavor_id/os-extra_specs': () => ({ extra_specs: { key: 'x' } }),
  'PUT /compute/v2.1/flavors/:flavor_id/os-extra_specs/:key': () => ({ key: 'x' }),
  'POST /compute/v2.1/os-keypairs': (_, name) => ({ keypair: { name, public_key: PUBLIC_KEY } }),
  'POST /compute/v2.1/servers/:server_id/metadata': () => ({ metadata: { key: 'x' } }),
  'PUT /compute/v2.1/servers/:server_id/metadata': () => ({ metadata: { key: 'x' } }),
  'PUT /compute/v2.1/servers/:server_id/metadata/:key': () => ({ meta: { key: 'x' } }),
  'PUT /compute/v2.1/os-services/:service_id': ({ host }, _, { endpoint }) =>
    endpoint.until === undefined ? { status: 'enabled' } : { host, binary: 'nova-compute' },
  'PUT /compute/v2.1/os-quota-sets/:quota_project_id': () => ({
    quota_set: { cores: -1, ram: -1, instances: -1, key_pairs: 1000, metadata_items: 128 },
  }),
}

let made = 0

/** A good body for the endpoint, with names that were not used before; undefined for one that takes none. */
export function sampleOf(target: Target, ids: Ids): unknown {
  const { body } = target.endpoint
  if (body === undefined || body === 'stream') return undefined
  const sample = samples[plainName(target)]
  return sample ? sample(ids, `sample-${made++}`, target) : instanceOf(body)
}

/** Names of the endpoints that have a sample of their own. */
export const sampled: readonly string[] = Object.keys(samples)

/** Glance takes patches in a type of its own. */
export function contentTypeOf(target: Target): string {
  if (target.endpoint.body === 'stream') return 'application/octet-stream'
  return target.name.startsWith('PATCH /image/')
    ? 'application/openstack-images-v2.1-json-patch'
    : 'application/json'
}

/** The headers that make the peer choose this definition of the endpoint. */
export function headersOf(target: Target): Readonly<Record<string, string>> {
  const { api, endpoint } = target
  return {
    ...(endpoint.body !== undefined && { 'content-type': contentTypeOf(target) }),
    ...(api.microversions && {
      'openstack-api-version': `${api.microversions.serviceType} ${endpoint.until ?? api.microversions.max}`,
    }),
  }
}

/** Whose token the endpoint takes: the owner's where not even the administrator stands in for it. */
export function bearerOf(target: Target): 'admin' | 'user' | 'alpha' {
  if (target.name.endsWith('/users/:user_id/password')) return 'user'
  return target.name.endsWith('/os-keypairs/:name') ? 'alpha' : 'admin'
}
