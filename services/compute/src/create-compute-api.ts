/** The compute API: Nova v2.1 over the records of this site. */

import type { Api } from '@atoll/http'
import type { ComputeDependencies } from './dependencies.ts'
import { discoveryEndpoints } from './discovery/routes.ts'
import { extensionEndpoints } from './extensions/routes.ts'
import { flavorAccessEndpoints } from './flavors/access-routes.ts'
import { extraSpecEndpoints } from './flavors/extra-specs-routes.ts'
import { flavorEndpoints } from './flavors/routes.ts'
import { groupEndpoints } from './groups/routes.ts'
import { HostInventory } from './hosts/host-inventory.ts'
import { hypervisorEndpoints } from './hosts/hypervisors-routes.ts'
import { serviceEndpoints } from './hosts/services-routes.ts'
import { zoneEndpoints } from './hosts/zones-routes.ts'
import { keypairEndpoints } from './keypairs/routes.ts'
import { withProjectPaths } from './paths.ts'
import { limitsEndpoints } from './quotas/limits-routes.ts'
import { quotaEndpoints } from './quotas/routes.ts'
import { rules } from './rules.ts'
import { instanceActionEndpoints } from './servers/actions-routes.ts'
import { addressEndpoints } from './servers/addresses-routes.ts'
import { metadataEndpoints } from './servers/metadata-routes.ts'
import { serverEndpoints } from './servers/routes.ts'
import { tagEndpoints } from './servers/tags-routes.ts'
import { microversions } from './versions.ts'

/** To be given to `registerApi`. The state must know `computeRecords` and `quotaFounders`. */
export function createComputeApi(dependencies: ComputeDependencies): Api {
  const inventory = new HostInventory(dependencies)
  return {
    prefix: '/compute',
    faults: 'nova',
    isOfProjects: true,
    microversions,
    rules,
    requestIdHeaders: ['x-compute-request-id'],
    endpoints: [
      ...discoveryEndpoints,
      ...withProjectPaths([
        ...serverEndpoints(dependencies, inventory),
        ...metadataEndpoints(dependencies),
        ...tagEndpoints(dependencies),
        ...addressEndpoints(dependencies),
        ...instanceActionEndpoints(dependencies),
        ...flavorEndpoints(dependencies),
        ...extraSpecEndpoints(dependencies),
        ...flavorAccessEndpoints(dependencies),
        ...keypairEndpoints(dependencies),
        ...zoneEndpoints(dependencies),
        ...hypervisorEndpoints(dependencies),
        ...serviceEndpoints(dependencies),
        ...quotaEndpoints(dependencies),
        ...limitsEndpoints(dependencies),
        ...groupEndpoints,
        ...extensionEndpoints,
      ]),
    ],
  }
}
