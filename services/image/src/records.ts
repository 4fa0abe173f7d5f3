/** The records of the image service. */

import { boolean, integer, json, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

export type ImageStatus = 'queued' | 'saving' | 'active' | 'killed' | 'deactivated'
export type ImageVisibility = 'public' | 'private' | 'shared' | 'community'

export const images = defineRecord(
  'images',
  {
    name: text().nullable(),
    status: text<ImageStatus>('queued'),
    visibility: text<ImageVisibility>('shared'),
    disk_format: text().nullable(),
    container_format: text().nullable(),
    /** Digest of the manifest in the chunk store; null until data was uploaded. */
    manifest_digest: text().nullable(),
    size_bytes: integer().nullable(),
    virtual_size_bytes: integer().nullable(),
    /** MD5, as clients still expect it. */
    checksum: text().nullable(),
    os_hash_algo: text().nullable(),
    os_hash_value: text().nullable(),
    min_disk_gib: integer(),
    min_ram_mib: integer(),
    is_protected: boolean(),
    is_hidden: boolean(),
    tags: json<readonly string[]>([]),
    /** Everything else that the client set, at the top level of the API's form. */
    properties: json<Readonly<Record<string, string>>>({}),
    /** Projects with which a shared image is shared, and what they said of it. */
    members: json<readonly { readonly project_id: string; readonly status: string }[]>([]),
  },
  {
    audience: (query, scope) =>
      query.or([
        query('project_id', '=', scope.projectId),
        query('visibility', 'in', ['public', 'community']),
      ]),
    indexes: [['visibility'], ['manifest_digest']],
  },
)

export const imageRecords = [images] as unknown as readonly RecordTable[]
