/** What one Redis is asked: to look, and to commit. Each is one round trip and atomic. */

import {
  answerLook,
  applyWrites,
  fill,
  LOG,
  META,
  readAbsence,
  readMeta,
  readSpaces,
  since,
  validate,
} from './parts.ts'
import { defineScript } from './script.ts'

const SPACES = { keys: 'KEYS[3]', rows: 'KEYS[4]' }

const look = `
local look = cmsgpack.unpack(ARGV[1])
local entries = not look[1] and {} or since(look[1], look[2])
`

const answer = `
local values, ranges = answerLook(look[3], look[4])
return cmsgpack.pack({position, number, tag, entries, values, ranges})
`

/** `ARGV[1]`: position and tag that the caller knows (false for none), keys, ranges. False when there is no store. */
export const lookScript = defineScript(
  'allow-oom',
  readMeta,
  since,
  readSpaces(SPACES),
  answerLook,
  look,
  answer,
)

/**
 * Where replicas must have what is shown: whatever a client knows, the replicas have, since nothing is shown before. When
 * the log is further than the latest such position, this connection writes something, so that a `WAIT` behind it
 * waits for all of the log; else nothing is written, and `WAIT` answers at once.
 */
const show = `
if isReplicated and replicated < position then redis.call('HSET', ${META}, 'replicated', replicated) end
`

export const guard = `
if look[2] and entries and look[1] > replicated then replicated = look[1] end
${show}
`

export const guardedLookScript = defineScript(
  'allow-oom',
  readMeta,
  since,
  readSpaces(SPACES),
  answerLook,
  look,
  guard,
  answer,
)

/** What became of a commit, as the first element of its reply. */
export const COMMITTED = 0
export const CONFLICT = 1
export const REPEATED = 2
/** The log of a cluster is as long as it may get, since shards are far behind; nothing was done. */
export const BEHIND = 3

/** Shared with the log of a cluster: everything up to the point from which on the commit will happen. */
export const decide = `
local commit = cmsgpack.unpack(ARGV[1])
local first = number + 1
local entries = position - commit[1] <= commit[7] and since(commit[1], commit[2])
local body = fill(commit[5], first)
local entry = cmsgpack.unpack(body)
if commit[2] and entries and commit[1] > replicated then replicated = commit[1] end
local function refuse(kind)
  ${show}
  return cmsgpack.pack({kind, position, number, tag, entries, 0, 0})
end
if not entries then return refuse(${CONFLICT}) end
local isTouched, at = validate(entries, commit, entry[1])
if at then
  redis.call('HSET', ${META}, 'position', position)
  return cmsgpack.pack({${REPEATED}, position, number, tag, entries, commit[1] + at, (struct.unpack('>d', entries[at], 5))})
end
if isTouched then return refuse(${CONFLICT}) end
`

/** Appends the entry; declares the `length` of the log. */
export const append = `
position, number, tag = position + 1, number + entry[2], commit[6]
local stored = tag .. struct.pack('>d', first) .. body
local length = redis.call('RPUSH', ${LOG}, stored)
bytes = bytes + #stored
`

/** The last lines, with the command that tells who waits for commits. */
export const finish = (publish: 'PUBLISH' | 'SPUBLISH'): string => `
redis.call('HSET', ${META}, 'position', position, 'number', number, 'tag', tag, 'bytes', bytes, 'replicated', replicated)
redis.call('${publish}', ${META}, position)
return cmsgpack.pack({${COMMITTED}, position, number, tag, entries, position, first})
`

/**
 * `ARGV[1]`: position and tag that the transaction knows, keys and ranges that it read, the pieces of its entry, the
 * tag of its id; how many entries and bytes of log are kept; keys and ranges of which nothing may be there. False when there is no store.
 */
export const commitScript = defineScript(
  '',
  readMeta,
  since,
  validate,
  fill,
  readAbsence(SPACES),
  applyWrites(SPACES),
  decide,
  `
if not isAbsent(commit[9], commit[10]) then return refuse(${CONFLICT}) end
`,
  append,
  `
while length > 1 and (length > commit[7] or bytes > commit[8]) do
  bytes = bytes - #redis.call('LPOP', ${LOG})
  length = length - 1
end
apply(entry[4])
`,
  finish('PUBLISH'),
)
