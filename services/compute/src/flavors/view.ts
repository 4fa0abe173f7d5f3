/** A flavor as Nova shows it. */

import type { Row } from '@atoll/rome'
import { linksOf } from '../links.ts'
import type { flavors } from '../records.ts'
import type { RequestContext } from '../request-context.ts'
import { isSince } from '../versions.ts'

export type FlavorRow = Row<typeof flavors>

export function flavorSummary(context: RequestContext, flavor: FlavorRow) {
  return {
    id: flavor.flavor_id,
    name: flavor.name,
    links: linksOf(context, 'flavors', flavor.flavor_id),
    ...(isSince(context, '2.55') && { description: flavor.description }),
  }
}

export function flavorDetail(context: RequestContext, flavor: FlavorRow) {
  const showsExtraSpecs =
    isSince(context, '2.61') && context.allows('os_compute_api:os-flavor-extra-specs:index')
  return {
    ...flavorSummary(context, flavor),
    ram: flavor.ram_mib,
    disk: flavor.disk_gib,
    // The empty string is what clients before 2.75 were given for no swap.
    swap: flavor.swap_mib || (isSince(context, '2.75') ? 0 : ''),
    vcpus: flavor.vcpus,
    rxtx_factor: flavor.rxtx_factor,
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral_gib,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': flavor.is_public,
    ...(showsExtraSpecs && { extra_specs: flavor.extra_specs }),
  }
}
