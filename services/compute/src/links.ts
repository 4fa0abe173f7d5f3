/** Links in Nova's views: `self` with the version in its path, `bookmark` without. */

import type { Context } from '@atoll/http'

export interface Link {
  readonly rel: string
  readonly href: string
}

type Located = Pick<Context, 'baseUrl' | 'path'>

export function linksOf({ baseUrl }: Located, collection: string, id: string): Link[] {
  const path = `${collection}/${encodeURIComponent(id)}`
  return [
    { rel: 'self', href: `${baseUrl}/v2.1/${path}` },
    { rel: 'bookmark', href: `${baseUrl}/${path}` },
  ]
}

export function bookmarkOf({ baseUrl }: Located, collection: string, id: string): Link[] {
  return [{ rel: 'bookmark', href: `${baseUrl}/${collection}/${encodeURIComponent(id)}` }]
}

/** The link of the next page: this request again, with the last item as marker. */
export function nextLink({ baseUrl, path }: Located, marker: string): Link[] {
  const [pathname = '', query = ''] = path.split('?')
  const parameters = new URLSearchParams(query)
  parameters.set('marker', marker)
  return [{ rel: 'next', href: `${baseUrl}${pathname}?${parameters.toString()}` }]
}
