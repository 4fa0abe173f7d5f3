/** Groups are not offered: there are none, and none can be made. */

import { type Endpoint, endpoint } from '@atoll/http'
import { Type } from 'typebox'
import { NotOffered } from '../errors.ts'
import { wholeList } from '../lists.ts'

export function groupEndpoints(): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/v3/groups',
      rule: 'identity:list_groups',
      handle: async (context) => wholeList(context, 'groups', []),
    }),
    endpoint({
      method: 'POST',
      path: '/v3/groups',
      rule: 'identity:create_group',
      body: Type.Object({}),
      handle: async () => {
        throw NotOffered({ what: 'groups' })
      },
    }),
  ]
}
