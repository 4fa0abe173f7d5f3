/** The records of the image service. */

import { boolean, integer, json, longText, text } from '@atoll/rome'
import { defineRecord, type RecordTable } from '@atoll/state'

export type ImageStatus = 'queued' | 'saving' | 'active' | 'killed' | 'deactivated'
export type ImageVisibility = 'public' | 'private' | 'shared' | 'community'
export type MemberStatus = 'pending' | 'accepted' | 'rejected'

/** A project with which a shared image is shared, and what it said of it. Times are milliseconds since the epoch. */
export interface ImageMember {
  readonly project_id: string
  readonly status: MemberStatus
  readonly created_at: number
  readonly updated_at: number
}

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
    members: json<readonly ImageMember[]>([]),
    /**
     * The projects of `members`, while the visibility is `shared`, as text that a query can look into: what `sharedWith`
     * makes of both. Empty for nearly all images, so that the index leads straight to the few others.
     */
    shared_with: longText(),
  },
  {
    ids: 'given',
    // A member sees a shared image whatever it said of it; lists leave out what it has not accepted.
    audience: (query, { projectId }) =>
      query.or([
        query('project_id', '=', projectId),
        query('visibility', 'in', ['public', 'community']),
        ...(projectId === null
          ? []
          : [query.and([query('shared_with', '>', ''), query('shared_with', 'like', `% ${projectId} %`)])]),
      ]),
    indexes: [['visibility'], ['manifest_digest'], ['status'], ['shared_with']],
  },
)

/** The column `shared_with`. Ids of projects hold no space and no wildcard. */
export function sharedWith(visibility: ImageVisibility, members: readonly ImageMember[]): string {
  if (visibility !== 'shared' || members.length === 0) return ''
  return ` ${members.map((member) => member.project_id).join(' ')} `
}

export const imageRecords = [images] as unknown as readonly RecordTable[]
