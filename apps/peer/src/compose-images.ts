/** The image service of this peer, and where it finds bytes that it does not have. */

import {
  createCacheEviction,
  createImageApi,
  createImageCache,
  createImageGarbageCollection,
  createUploadRepair,
  Uploads,
} from '@atoll/image'
import type { Service } from '@atoll/kit'
import type { PeerTransport } from '@atoll/overlay'
import type { State } from '@atoll/state'
import type { ComposeOptions } from './compose.ts'
import { hostNameOf } from './host-name.ts'
import { imagesInUse } from './images-in-use.ts'
import { createCopyKeeper, rankPeers } from './keep-copies.ts'
import { remoteChunks } from './remote-chunks.ts'
import { DEFAULT_IMAGE_CACHE_GIB } from './settings.ts'
import type { Siblings } from './siblings.ts'
import type { SitePeers } from './site-peers.ts'

export interface ImageSurroundings {
  readonly state: State
  readonly peers: SitePeers
  readonly siblings: Siblings
  /** To other sites. */
  readonly transport: PeerTransport
  readonly selfName: string
}

export function composeImages(
  { site, world, isShared = false, imageCacheGib = DEFAULT_IMAGE_CACHE_GIB }: ComposeOptions,
  { state, peers, siblings, transport, selfName }: ImageSurroundings,
) {
  const { images, files, clock, log, directories } = world
  const copy = (digest: string) =>
    siblings.copyToOne(
      digest,
      rankPeers(
        digest,
        peers.others().map(({ name }) => name),
      ),
    )
  const uploads = new Uploads({
    state,
    images,
    log,
    ...(isShared ? { copy, process: { name: selfName, isAlive: peers.isAlive } } : {}),
  })
  const bytes = {
    images,
    // What was uploaded elsewhere lies at the home of the image's record, or at another peer of this one.
    sourceOf: ({
      home,
      manifest_digest,
    }: {
      readonly home: string
      readonly manifest_digest: string | null
    }) => {
      if (home !== state.site.name) return remoteChunks(transport, home, { manifest: manifest_digest })
      return peers.others().length > 0 ? siblings.chunks : undefined
    },
  }
  const cache = createImageCache({ ...bytes, state, files, clock, directory: directories.images })
  const hostNames = world.hosts.map(({ name }) => hostNameOf(site, name))
  const services: readonly Service[] = [
    createUploadRepair({ uploads, clock, log }),
    createImageGarbageCollection({ state, images, clock, log }),
    createCacheEviction({
      cache,
      bytesMax: imageCacheGib * 1024 ** 3,
      imagesInUse: () => imagesInUse(state, hostNames),
      clock,
      log,
    }),
    ...(isShared ? [createCopyKeeper({ state, images, siblings, peers, selfName, clock, log })] : []),
  ]
  return { api: createImageApi({ ...bytes, state, uploads }), cache, services }
}
