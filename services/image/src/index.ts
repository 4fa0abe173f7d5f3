/** Image, as Glance v2 has it: records, uploads and downloads, and images as files for hosts. */

export { createImageApi, type ImageDependencies } from './create-image-api.ts'
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
  type CacheEvictionOptions,
  createCacheEviction,
  createImageGarbageCollection,
  createUploadRepair,
  type GarbageCollectionOptions,
} from './image-data/reconcilers.ts'
export { Uploads, type UploadsOptions } from './image-data/uploads.ts'
export * from './records.ts'
export { imageTables } from './tables.ts'
