/** Request ids: our own for each request, and the client's global one that follows it through services and sites. */

import type { Random } from '@atoll/kit'

const FORM = /^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export interface RequestIds {
  readonly own: string
  /** What the client sent as `X-Openstack-Request-Id`, when it has the right form; anything else is ignored. */
  readonly global: string | undefined
}

export function requestIds(
  random: Random,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): RequestIds {
  const sent = headers['x-openstack-request-id']
  const hex = Buffer.from(random.bytes(16)).toString('hex')
  const own = `req-${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  return { own, global: typeof sent === 'string' && FORM.test(sent) ? sent : undefined }
}
