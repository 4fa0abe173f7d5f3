/** The policy rules of compute, with Nova's names and defaults (nova/policies). */

import type { Rules } from '@atoll/http'

const admin = 'rule:context_is_admin'
const member = 'rule:project_member_or_admin'
const reader = 'rule:project_reader_or_admin'
const ownUser = 'rule:context_is_admin or user_id:%(user_id)s'

const rulesOf = (prefix: string, names: readonly string[], rule: string): Rules =>
  Object.fromEntries(names.map((name) => [`os_compute_api:${prefix}:${name}`, rule]))

export const rules: Rules = {
  context_is_admin: 'role:admin',
  project_member_api: 'role:member and project_id:%(project_id)s',
  project_reader_api: 'role:reader and project_id:%(project_id)s',
  project_member_or_admin: 'rule:project_member_api or rule:context_is_admin',
  project_reader_or_admin: 'rule:project_reader_api or rule:context_is_admin',

  ...rulesOf('servers', ['index', 'detail', 'show'], reader),
  ...rulesOf('servers', ['create', 'update', 'delete', 'start', 'stop', 'reboot'], member),
  ...rulesOf('servers', ['create:forced_host', 'create:zero_disk_flavor', 'allow_all_filters'], admin),
  ...rulesOf('servers', ['index:get_all_tenants', 'detail:get_all_tenants', 'show:host_status'], admin),
  'os_compute_api:servers:show:flavor-extra-specs': reader,
  'compute:servers:create:requested_destination': admin,
  'os_compute_api:os-extended-server-attributes': admin,
  'os_compute_api:os-deferred-delete:force': member,
  'os_compute_api:os-console-output': member,
  ...rulesOf('server-metadata', ['index', 'show'], reader),
  ...rulesOf('server-metadata', ['create', 'update', 'update_all', 'delete'], member),
  ...rulesOf('os-server-tags', ['index', 'show'], reader),
  ...rulesOf('os-server-tags', ['update', 'update_all', 'delete', 'delete_all'], member),
  ...rulesOf('os-attach-interfaces', ['list', 'show'], reader),
  ...rulesOf('ips', ['index', 'show'], reader),
  ...rulesOf('os-instance-actions', ['list', 'show'], reader),
  ...rulesOf('os-instance-actions', ['events', 'events:details'], admin),

  'os_compute_api:flavors': '@',
  ...rulesOf('os-flavor-manage', ['create', 'update', 'delete'], admin),
  'os_compute_api:os-flavor-access': admin,
  ...rulesOf('os-flavor-access', ['add_tenant_access', 'remove_tenant_access'], admin),
  ...rulesOf('os-flavor-extra-specs', ['index', 'show'], reader),
  ...rulesOf('os-flavor-extra-specs', ['create', 'update', 'delete'], admin),
  ...rulesOf('os-keypairs', ['index', 'show', 'create', 'delete'], ownUser),

  'os_compute_api:os-availability-zone:list': '@',
  'os_compute_api:os-availability-zone:detail': admin,
  ...rulesOf('os-hypervisors', ['list', 'list-detail', 'show', 'statistics'], admin),
  ...rulesOf('os-services', ['list', 'update'], admin),
  'os_compute_api:os-aggregates:index': admin,
  'os_compute_api:os-server-groups:index': reader,
  'os_compute_api:limits': '@',
  'os_compute_api:limits:other_project': admin,
  ...rulesOf('os-quota-sets', ['show', 'detail'], reader),
  'os_compute_api:os-quota-sets:defaults': '@',
  ...rulesOf('os-quota-sets', ['update', 'delete'], admin),
  'os_compute_api:extensions': '@',
}
