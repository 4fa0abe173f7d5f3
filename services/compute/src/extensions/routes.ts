/** `/extensions`: what older clients ask before they use a part of the API. */

import { type Endpoint, endpoint } from '@atoll/http'
import { NotOffered } from '../errors.ts'

const extensions = [
  extension('OS-DCF', 'DiskConfig', 'Disk management of servers.'),
  extension('OS-EXT-AZ', 'ExtendedAvailabilityZone', 'The availability zone of a server.'),
  extension('OS-EXT-IPS', 'ExtendedIps', 'The type of an address of a server.'),
  extension('OS-EXT-IPS-MAC', 'ExtendedIpsMac', 'The MAC address behind an address of a server.'),
  extension('OS-EXT-SRV-ATTR', 'ExtendedServerAttributes', 'What administrators see of a server.'),
  extension('OS-EXT-STS', 'ExtendedStatus', 'The states of a server.'),
  extension('OS-SCH-HNT', 'SchedulerHints', 'Hints for the scheduler.'),
  extension('OS-SRV-USG', 'ServerUsage', 'When a server was launched and terminated.'),
  extension('os-attach-interfaces', 'AttachInterfaces', 'The interfaces of a server.'),
  extension('os-availability-zone', 'AvailabilityZone', 'Availability zones.'),
  extension('os-config-drive', 'ConfigDrive', 'Config drives.'),
  extension('os-console-output', 'ConsoleOutput', 'What a guest wrote to its console.'),
  extension('os-flavor-access', 'FlavorAccess', 'Flavors for some projects only.'),
  extension('os-flavor-extra-specs', 'FlavorExtraSpecs', 'Extra specs of flavors.'),
  extension('os-flavor-manage', 'FlavorManage', 'Making and deleting flavors.'),
  extension('os-hypervisors', 'Hypervisors', 'Hosts as machines.'),
  extension('os-instance-actions', 'InstanceActions', 'Who asked what of a server.'),
  extension('os-keypairs', 'Keypairs', 'Keypairs.'),
  extension('os-quota-sets', 'Quotas', 'Quotas of projects.'),
  extension('os-server-start-stop', 'ServerStartStop', 'Starting and stopping servers.'),
  extension('os-services', 'Services', 'Hosts as services.'),
  extension('os-used-limits', 'UsedLimits', 'What a project uses of its limits.'),
  extension('os-user-data', 'UserData', 'User data of servers.'),
] as const

export const extensionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/extensions',
    rule: 'os_compute_api:extensions',
    handle: async () => ({ extensions }),
  }),
  endpoint({
    method: 'GET',
    path: '/extensions/:alias',
    rule: 'os_compute_api:extensions',
    handle: async ({ params }) => {
      const found = extensions.find(({ alias }) => alias === params.alias)
      if (!found) throw NotOffered({ message: 'The resource could not be found.' })
      return { extension: found }
    },
  }),
]

function extension(alias: string, name: string, description: string) {
  const namespace = 'http://docs.openstack.org/compute/ext/fake_xml'
  return { alias, name, description, namespace, links: [], updated: '2014-12-03T00:00:00Z' }
}
