/** Images: a record, then its bytes. */

import type { Connection } from '../connection.ts'

export interface Image {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly size: number | null
  readonly checksum: string | null
}

export interface NewImage {
  readonly name: string
  readonly diskFormat: 'qcow2' | 'raw'
  readonly content: Uint8Array
  readonly visibility?: 'public' | 'private' | 'community' | 'shared'
}

const UPLOAD_TIMEOUT_MS = 120_000

/** Makes the image and uploads its bytes; active on return. */
export async function uploadImage(connection: Connection, image: NewImage): Promise<Image> {
  const { name, diskFormat, content, visibility } = image
  const { id } = await connection.post<Image>('image', '/v2/images', {
    name,
    disk_format: diskFormat,
    container_format: 'bare',
    ...(visibility === undefined ? {} : { visibility }),
  })
  await connection.request('image', 'PUT', `/v2/images/${id}/file`, {
    body: content,
    timeoutMs: UPLOAD_TIMEOUT_MS,
  })
  return connection.get<Image>('image', `/v2/images/${id}`)
}

export async function listImages(connection: Connection): Promise<readonly Image[]> {
  return (await connection.get<{ images: readonly Image[] }>('image', '/v2/images')).images
}
