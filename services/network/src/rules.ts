/** Who may do what, by Neutron's rule names and defaults. What a token may see is decided by its scope. */

import type { Rules } from '@atoll/http'

const OWNER = 'project_id:%(project_id)s'
const NETWORK_OWNER = 'project_id:%(network:project_id)s'

export const networkRules: Rules = {
  context_is_admin: 'role:admin',
  owner_reader: `role:admin or (role:reader and ${OWNER})`,
  owner_member: `role:admin or (role:member and ${OWNER})`,
  network_owner_member: `role:admin or (role:member and ${NETWORK_OWNER})`,

  create_network: 'rule:owner_member',
  'create_network:shared': 'rule:context_is_admin',
  'create_network:router:external': 'rule:context_is_admin',
  get_network: 'role:admin or role:reader',
  'get_network:provider': 'rule:context_is_admin',
  update_network: 'rule:owner_member',
  'update_network:shared': 'rule:context_is_admin',
  'update_network:router:external': 'rule:context_is_admin',
  delete_network: 'rule:owner_member',

  create_subnet: 'role:admin or role:member',
  'create_subnet:network': 'rule:network_owner_member',
  get_subnet: 'role:admin or role:reader',
  update_subnet: 'rule:owner_member',
  delete_subnet: 'rule:owner_member',

  create_port: 'rule:owner_member',
  'create_port:device_owner': 'rule:context_is_admin',
  'create_port:mac_address': 'rule:network_owner_member',
  'create_port:fixed_ips:ip_address': 'rule:network_owner_member',
  'create_port:port_security_enabled': 'rule:network_owner_member',
  'create_port:binding:host_id': 'rule:context_is_admin',
  get_port: 'role:admin or role:reader',
  'get_port:binding': 'rule:context_is_admin',
  update_port: 'rule:owner_member',
  'update_port:device_owner': 'rule:context_is_admin',
  'update_port:fixed_ips:ip_address': 'rule:network_owner_member',
  'update_port:port_security_enabled': 'rule:network_owner_member',
  'update_port:binding:host_id': 'rule:context_is_admin',
  delete_port: 'rule:owner_member',

  get_quota: 'rule:owner_reader',
  get_extension: 'role:admin or role:reader',
}
