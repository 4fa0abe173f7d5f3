/** Image, as Glance v2 has it: records, uploads and downloads, and images as files for hosts. */

import type { Api } from '@atoll/http'
import type { State } from '@atoll/state'
import { discoveryEndpoints } from './discovery/routes.ts'
import type { ImageBytes } from './image-data/bring.ts'
import { imageDataEndpoints } from './image-data/routes.ts'
import type { Uploads } from './image-data/uploads.ts'
import { imageEndpoints } from './images/routes.ts'
import { memberEndpoints } from './members/routes.ts'
import { imageRules } from './rules.ts'
import { schemaEndpoints } from './schemas/routes.ts'
import { tagEndpoints } from './tags/routes.ts'

export * from './errors.ts'
export {
  type BootFiles,
  type CachedImage,
  createImageCache,
  type Evicted,
  type EvictOptions,
  type ImageCache,
  type ImageCacheOptions,
} from './image-cache.ts'
export type { ImageBytes, SourceOf } from './image-data/bring.ts'
export {
  createImageGarbageCollection,
  createUploadRepair,
  type GarbageCollectionOptions,
} from './image-data/reconcilers.ts'
export { Uploads, type UploadsOptions } from './image-data/uploads.ts'
export * from './records.ts'

export interface ImageDependencies extends ImageBytes {
  readonly state: State
  /** Shared with `createUploadRepair`, which must know what runs. */
  readonly uploads: Uploads
}

export function createImageApi(dependencies: ImageDependencies): Api {
  return {
    prefix: '/image',
    faults: 'glance',
    rules: imageRules,
    endpoints: [
      ...discoveryEndpoints,
      ...schemaEndpoints,
      ...imageEndpoints(dependencies),
      ...imageDataEndpoints(dependencies),
      ...tagEndpoints(dependencies),
      ...memberEndpoints(dependencies),
    ],
  }
}
