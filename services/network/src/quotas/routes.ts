/** The limits of a project. Networks, subnets and ports have none of their own so far, and this says so. */

import { type Api, endpoint } from '@atoll/http'
import type { AnyContext } from '../resource/resource.ts'

const UNLIMITED = -1

const show = async (context: AnyContext) => {
  const project_id = context.params.project_id ?? ''
  context.authorize('get_quota', { project_id })
  return { quota: { network: UNLIMITED, subnet: UNLIMITED, port: UNLIMITED } }
}

export const quotaEndpoints: Api['endpoints'] = [
  endpoint({ method: 'GET', path: '/v2.0/quotas/:project_id', rule: 'get_quota', handle: show }),
  endpoint({ method: 'GET', path: '/v2.0/quotas/:project_id/default', rule: 'get_quota', handle: show }),
]
