/** Nova's paths exist twice: `/v2.1/servers`, and `/v2.1/{project_id}/servers` as older catalogues have it. */

import type { Endpoint } from '@atoll/http'
import { ProjectMismatch } from './errors.ts'
import type { RequestContext } from './request-context.ts'

/** As Nova's own pattern: a word that cannot be mistaken for the name of a collection. */
const PROJECT = ':project_id(^[0-9a-f-]+$)'

/** Every endpoint under `/v2.1`, and again under `/v2.1/{project_id}` where the id must be the token's. */
export function withProjectPaths(endpoints: readonly Endpoint[]): Endpoint[] {
  return endpoints.flatMap((endpoint) => [
    { ...endpoint, path: `/v2.1${endpoint.path}` },
    ofTokensProject({ ...endpoint, path: `/v2.1/${PROJECT}${endpoint.path}` }),
  ])
}

// What a request writes is asked for before it is handled, so checking there is enough when an endpoint says it.
function ofTokensProject(endpoint: Endpoint): Endpoint {
  const { writes, handle } = endpoint
  if (writes) {
    const checkedWrites: Endpoint['writes'] = (context) => {
      checkProject(context)
      return writes(context)
    }
    return { ...endpoint, writes: checkedWrites }
  }
  const checkedHandle: Endpoint['handle'] = async (context) => {
    checkProject(context)
    return handle(context)
  }
  return { ...endpoint, handle: checkedHandle }
}

function checkProject({ params, authorization }: RequestContext): void {
  const inUrl = params.project_id ?? ''
  if (inUrl !== authorization.projectId) throw ProjectMismatch({ inUrl, inToken: authorization.projectId })
}
