/**
 * What a cluster is asked. The log lies in one slot and alone decides; each shard lies in another, and is brought after the log
 * by scripts that do nothing twice and leave no gap, by whoever comes by.
 */

import {
  answerLook,
  applyWrites,
  fill,
  LOG,
  META,
  readMeta,
  readSpaces,
  since,
  validate,
} from '../../redis/scripts/parts.ts'
import { defineScript } from '../../redis/scripts/script.ts'
import { append, BEHIND, decide, finish, guard } from '../../redis/scripts/single-scripts.ts'

const APPLIED = 'KEYS[1]'
const SPACES = { keys: 'KEYS[2]', rows: 'KEYS[3]' }

const look = `
local look = cmsgpack.unpack(ARGV[1])
local entries = not look[1] and {} or since(look[1], look[2])
`

const answer = `
return cmsgpack.pack({position, number, tag, entries, epoch})
`

/** `ARGV[1]`: position and tag that the caller knows. False when there is no store. */
export const newsScript = defineScript('allow-oom', readMeta, since, look, answer)

/** See `guardedLookScript`. */
export const guardedNewsScript = defineScript('allow-oom', readMeta, since, look, guard, answer)

/** As `commitScript`, without the spaces. The log is not cut here: it is all that shards have which are behind. */
export const logCommitScript = defineScript(
  '',
  readMeta,
  since,
  validate,
  fill,
  decide,
  `
if redis.call('LLEN', ${LOG}) >= commit[11] or bytes >= commit[12] then return refuse(${BEHIND}) end
`,
  append,
  finish('SPUBLISH'),
)

/**
 * Cuts the log at its old end. `ARGV`: epoch; the position that all shards have durably; how many entries and bytes are kept
 * beyond that. Answers with the position from which on entries are there.
 */
export const trimScript = defineScript(
  'allow-oom',
  readMeta,
  `
local length = redis.call('LLEN', ${LOG})
local first = position - length
if epoch ~= ARGV[1] then return first end
local upTo, entriesMax, bytesMax = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local before = first
while first < upTo and length > 1 and (length > entriesMax or bytes > bytesMax) do
  bytes = bytes - #redis.call('LPOP', ${LOG})
  first = first + 1
  length = length - 1
end
if first > before then redis.call('HSET', ${META}, 'bytes', bytes) end
return first
`,
)

const readApplied = `
local state = redis.call('HMGET', ${APPLIED}, 'position', 'epoch')
local applied, epoch = tonumber(state[1] or 0), state[2] or ''
`

/** `ARGV[1]`: keys, ranges. Answers with what the shard has applied, the epoch of that, and what was asked for as of then. */
export const shardLookScript = defineScript(
  'allow-oom',
  readApplied,
  readSpaces(SPACES),
  answerLook,
  `
local look = cmsgpack.unpack(ARGV[1])
local values, ranges = answerLook(look[1], look[2])
return cmsgpack.pack({applied, epoch, values, ranges})
`,
)

/**
 * `ARGV[1]`: epoch; the position behind which the writes begin; the position to which they lead and its tag; and in a flat
 * list the position of each entry and its writes to this shard. Answers with what the shard has applied then, and the
 * epoch of that. A gap, or another epoch, and nothing is done.
 */
export const applyScript = defineScript(
  '',
  readApplied,
  applyWrites(SPACES),
  `
local news = cmsgpack.unpack(ARGV[1])
if applied < news[2] or (epoch ~= '' and epoch ~= news[1]) then return cmsgpack.pack({applied, epoch}) end
local latest, entries = {}, news[5]
for i = 1, #entries, 2 do
  local writes = entries[i] > applied and entries[i + 1] or {}
  for j = 1, #writes, 2 do latest[writes[j]] = writes[j + 1] end
end
local writes = {}
for member, value in pairs(latest) do
  writes[#writes + 1] = member
  writes[#writes + 1] = value
end
apply(writes)
if news[3] > applied then
  applied = news[3]
  redis.call('HSET', ${APPLIED}, 'position', applied, 'epoch', news[1], 'tag', news[4])
else
  redis.call('HSET', ${APPLIED}, 'position', applied)
end
return cmsgpack.pack({applied, news[1]})
`,
)
