/** Keystone v3 at `/identity`. */

import type { Api } from '@atoll/http'
import { catalogEndpoints } from './catalog/routes.ts'
import { discoveryEndpoints } from './discovery/routes.ts'
import { domainEndpoints } from './domains/routes.ts'
import { groupEndpoints } from './groups/routes.ts'
import type { Identity } from './identity.ts'
import { projectEndpoints } from './projects/routes.ts'
import { roleAssignmentEndpoints } from './role-assignments/routes.ts'
import { roleEndpoints } from './roles/routes.ts'
import { identityRules } from './rules.ts'
import { tokenEndpoints } from './tokens/routes.ts'
import { userEndpoints } from './users/routes.ts'

export function createIdentityApi(identity: Identity): Api {
  return {
    prefix: '/identity',
    faults: 'keystone',
    rules: identityRules,
    endpoints: [
      ...discoveryEndpoints(),
      ...tokenEndpoints(identity),
      ...catalogEndpoints(identity),
      ...domainEndpoints(identity),
      ...projectEndpoints(identity),
      ...userEndpoints(identity),
      ...roleEndpoints(identity),
      ...roleAssignmentEndpoints(identity),
      ...groupEndpoints(),
    ],
  }
}
