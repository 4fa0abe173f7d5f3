/** What this Neutron can do beyond its core: clients look here before they use a feature, so only what is honoured. */

import { type Api, endpoint } from '@atoll/http'
import { ExtensionNotFound } from '../errors.ts'

export interface Extension {
  readonly alias: string
  readonly name: string
  readonly description: string
  readonly updated: string
  readonly links: readonly []
}

const describe = (alias: string, name: string, description: string): Extension => ({
  alias,
  name,
  description,
  updated: '2026-11-22T00:00:00-00:00',
  links: [],
})

export const extensions: readonly Extension[] = [
  describe('binding', 'Port Binding', 'Shows to administrators where a port is bound'),
  describe('external-net', 'Neutron external network', 'Adds external network attribute to network resource'),
  describe('filter-validation', 'Filter parameters validation', 'Refuses filters that are not known'),
  describe('net-mtu', 'Network MTU', 'Shows the MTU of a network'),
  describe('net-mtu-writable', 'Network MTU (writable)', 'Lets a client choose the MTU of a network'),
  describe('pagination', 'Pagination support', 'Lists come in pages'),
  describe('port-security', 'Port Security', 'A guest sends from the addresses of its port only'),
  describe('project-id', 'project_id field enabled', 'project_id stands beside tenant_id'),
  describe('provider', 'Provider Network', 'Shows to administrators how a network is realized'),
  describe('quotas', 'Quota management support', 'Shows the limits of a project'),
  describe('sorting', 'Sorting support', 'Lists can be sorted'),
  describe('standard-attr-description', 'standard-attr-description', 'Resources have a description'),
  describe('standard-attr-revisions', 'Resource revision numbers', 'Resources have a revision number'),
  describe('standard-attr-tag', 'Tag support', 'Networks, subnets and ports have tags'),
  describe('standard-attr-timestamp', 'Resource timestamps', 'Resources have created_at and updated_at'),
]

export const extensionEndpoints: Api['endpoints'] = [
  endpoint({
    method: 'GET',
    path: '/v2.0/extensions',
    rule: 'get_extension',
    handle: async () => ({ extensions }),
  }),
  endpoint({
    method: 'GET',
    path: '/v2.0/extensions/:alias',
    rule: 'get_extension',
    handle: async ({ params: { alias = '' } }) => {
      const extension = extensions.find((candidate) => candidate.alias === alias)
      if (!extension) throw ExtensionNotFound({ alias })
      return { extension }
    },
  }),
]
