/** The tables that the state keeps for itself. They are no records: each site has its own. */

import { defineTable, integer, text } from '@atoll/rome'

/** How far this site has followed the feed of each other home. */
export const feedCursors = defineTable(
  'feed_cursors',
  {
    home: text(),
    seq: integer(),
    /** The lowest seq that was refused; the feed is read again from there when a domain or a site changes. */
    refused_seq: integer().nullable(),
  },
  { primaryKey: ['home'] },
)

/**
 * Records that this site must not keep any longer, so that a page which comes late does not bring them back. It says which
 * they were and nothing of what was in them.
 */
export const withdrawnRecords = defineTable(
  'withdrawn_records',
  { id: text(), table_name: text(), home: text(), generation: integer(), seq: integer() },
  { primaryKey: ['id', 'table_name'] },
)

/** How much of each counted resource this site has spent (`quota:<project>:cores`). */
export const usages = defineTable(
  'usages',
  { resource: text(), used: integer() },
  { primaryKey: ['resource'] },
)

/** Which numbers of each resource are taken at this site (`addresses:<subnet>`), and by which record. */
export const takenNumbers = defineTable(
  'taken_numbers',
  { resource: text(), number: integer(), holder: text() },
  { primaryKey: ['resource', 'number'], indexes: [['holder']] },
)
