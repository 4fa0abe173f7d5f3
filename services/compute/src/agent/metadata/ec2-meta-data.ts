/** The EC2 metadata of a guest, version 2009-04-04, as Nova fills it. */

import { createHash } from 'node:crypto'
import type { GuestPort } from '../host-drivers.ts'
import type { Server } from '../plan-server.ts'

export function ec2MetaData(server: Server, ports: readonly GuestPort[]) {
  const keys = publicKeysOf(server).map(
    ({ data }, index) => [String(index), { 'openssh-key': data }] as const,
  )
  return {
    'ami-id': `ami-${shortId(server.image_id)}`,
    'ami-launch-index': String(server.launch_index),
    'ami-manifest-path': '(unknown)',
    'block-device-mapping': { ami: 'vda', root: '/dev/vda' },
    hostname: server.hostname,
    'instance-action': 'none',
    'instance-id': `i-${shortId(server.id)}`,
    'instance-type': server.flavor.original_name,
    'local-hostname': server.hostname,
    'local-ipv4': ports[0]?.addresses[0]?.ipAddress ?? '',
    placement: { 'availability-zone': server.availability_zone },
    'public-hostname': server.hostname,
    'public-ipv4': '',
    'reservation-id': server.reservation_id,
    'security-groups': server.security_groups.join('\n'),
    ...(keys.length > 0 && { 'public-keys': Object.fromEntries(keys) }),
  }
}

/** At most one: the key that the server was created with. */
export function publicKeysOf({ key_name, public_key }: Server): { name: string; data: string }[] {
  return key_name !== null && public_key !== null ? [{ name: key_name, data: public_key }] : []
}

// EC2 ids have eight digits; Nova counts, we hash, since no counter spans all sites.
function shortId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8)
}
