/** The chunk store of another site, or of one peer, read through the peer endpoints. Whoever reads verifies every digest. */

import { type ChunkSource, MANIFEST_BYTES_MAX } from '@atoll/images'
import type { PeerTransport } from '@atoll/overlay'

/** A chunk is smaller than the largest manifest. */
const BYTES_MAX = MANIFEST_BYTES_MAX
/** Beside the round trip: reading one chunk from a slow disk. */
const WORK_MS = 5000

export interface RemoteChunksOptions {
  readonly peer?: string
  readonly prefix?: string
  /** Of the image that is fetched: because of it the other site may give the chunks away. */
  readonly manifest?: string | null
}

export function remoteChunks(
  transport: PeerTransport,
  site: string,
  { peer, prefix = '/peer/v1', manifest = null }: RemoteChunksOptions = {},
): ChunkSource {
  const get = async (path: string, signal?: AbortSignal): Promise<Uint8Array> => {
    const response = await transport.request({
      site,
      ...(peer === undefined ? {} : { peer }),
      method: 'GET',
      path,
      timeoutMs: transport.timeoutFor(site, WORK_MS),
      ...(signal ? { signal } : {}),
    })
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length
      if (size > BYTES_MAX) throw new Error(`${site} sent more than ${BYTES_MAX} bytes for ${path}`)
      chunks.push(chunk as Buffer)
    }
    if (response.status !== 200) throw new Error(`${site} answered ${response.status} for ${path}`)
    return Buffer.concat(chunks)
  }
  return {
    manifest: (digest, signal) => get(`${prefix}/manifests/${digest}`, signal),
    chunk: (digest, signal) =>
      get(`${prefix}/chunks/${digest}${manifest === null ? '' : `?manifest=${manifest}`}`, signal),
  }
}
