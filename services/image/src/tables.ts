/** What the image service keeps for itself at a site. */

import { defineTable, type Table, text } from '@atoll/rome'

/** Uploads under way, by image: where a site has several processes, which of them writes it. */
export const imageUploads = defineTable(
  'image_uploads',
  { image_id: text(), process: text() },
  { primaryKey: ['image_id'] },
)

export const imageTables: readonly Table[] = [imageUploads]
