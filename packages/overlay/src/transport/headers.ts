/** Headers that pass from one site to another. */

import type { PeerHeaders } from './peer-transport.ts'

/** These concern one connection only (RFC 9110 §7.6.1), or HTTP/2 says them in another way (RFC 9113 §8.2.2). */
const hopByHop = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A copy with what concerns the ends; pseudo headers and undefined values are left out too. */
export function endToEndHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): PeerHeaders {
  const kept: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':') && !hopByHop.has(name)) kept[name] = value
  }
  return kept
}
