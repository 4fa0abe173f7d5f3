/** An image in the API's form. */

import type { Image } from './access.ts'

export function viewImage(image: Image): Record<string, unknown> {
  const self = `/v2/images/${image.id}`
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size_bytes,
    virtual_size: image.virtual_size_bytes,
    status: image.status,
    checksum: image.checksum,
    protected: image.is_protected,
    min_ram: image.min_ram_mib,
    min_disk: image.min_disk_gib,
    owner: image.project_id,
    os_hidden: image.is_hidden,
    os_hash_algo: image.os_hash_algo,
    os_hash_value: image.os_hash_value,
    id: image.id,
    created_at: viewTime(image.created_at),
    updated_at: viewTime(image.updated_at ?? image.created_at),
    tags: image.tags,
    self,
    file: `${self}/file`,
    schema: '/v2/schemas/image',
  }
}

/** `2026-11-22T03:00:00Z` */
export function viewTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
