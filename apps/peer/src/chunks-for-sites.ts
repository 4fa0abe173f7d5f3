/**
 * The bytes of images that this site gives to others: an image that may not be stored at the site which asks is not there
 * for it. A chunk that several images share goes out because of one that the site may have.
 */

import type { ChunksForSites } from '@atoll/federation'
import { images as imageTable } from '@atoll/image'
import { ChunkNotFound, type ChunkSource, type ImageStore, ManifestNotFound } from '@atoll/images'
import { cloudScope, isAllowedAt, type State } from '@atoll/state'

const scope = cloudScope('bytes of images for other sites')

export interface ChunksForSitesOptions {
  readonly state: State
  readonly images: Pick<ImageStore, 'manifest' | 'chunk'>
  /** What other peers of this site have. */
  readonly siblings: { readonly chunks: ChunkSource }
  /** Whether any project of the cloud is kept at some sites only. */
  readonly isAnyScoped: () => boolean
}

export function chunksForSites(options: ChunksForSitesOptions): ChunksForSites {
  const { state, images, siblings, isAnyScoped } = options
  const manifestOf = (digest: string) =>
    orSibling(images.manifest(digest), () => siblings.chunks.manifest(digest))
  /** A site asks for the chunks of one image one after the other. */
  let last: { readonly digest: string; readonly bytes: Buffer } | undefined
  const lists = async (manifest: string, chunk: string): Promise<boolean> => {
    if (last?.digest !== manifest) last = { digest: manifest, bytes: Buffer.from(await manifestOf(manifest)) }
    return last.bytes.includes(Buffer.from(chunk, 'hex'))
  }
  return {
    manifest: async (digest, site) => {
      if (!(await mayHave(state, digest, site))) throw ManifestNotFound({ digest })
      return manifestOf(digest)
    },
    chunk: async (digest, site, manifest) => {
      // An older version does not say of which image it wants it.
      const isGiven = manifest
        ? (await mayHave(state, manifest, site)) && (await lists(manifest, digest))
        : !isAnyScoped()
      if (!isGiven) throw ChunkNotFound({ digest })
      return orSibling(images.chunk(digest), () => siblings.chunks.chunk(digest))
    },
  }
}

/** Whether an image of these bytes may be stored there; one that was just deleted may be on its way still. */
async function mayHave(state: State, manifest: string, site: string): Promise<boolean> {
  const rows = await state
    .selectWithTombstones(scope, imageTable)
    .select('site_scope')
    .where('manifest_digest', '=', manifest)
    .execute()
  return rows.some(({ site_scope }) => isAllowedAt(site, site_scope))
}

/** What this site has, at this peer or another of it: other sites ask any. */
async function orSibling<Bytes>(own: Promise<Bytes>, ask: () => Promise<Bytes>): Promise<Bytes> {
  try {
    return await own
  } catch (error) {
    if (!ManifestNotFound.is(error) && !ChunkNotFound.is(error)) throw error
    return ask().catch(() => {
      throw error
    })
  }
}
