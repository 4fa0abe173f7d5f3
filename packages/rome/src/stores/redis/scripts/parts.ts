/**
 * Parts that the scripts have in common. A script sees the keys of one slot, which its caller names in the order of `KEYS`
 * below: Redis (and a cluster that moves the slot) then refuses the script as a whole or runs it as a whole.
 *
 * | key    | what                                                                                              |
 * | ------ | ------------------------------------------------------------------------------------------------- |
 * | `meta` | hash: `format`, `epoch` (4 random bytes), `position`, `number`, `tag`, `bytes` (of the log), `replicated` … |
 * | `log`  | list of the latest commits: tag (4 bytes), first number (big-endian double), entry (MessagePack)   |
 * | `keys` | sorted set, all scores 0: the keys of all spaces, each behind the prefix of its space              |
 * | `rows` | hash: the values that are not empty, by the same names                                            |
 *
 * The tag of a commit is a hash of its id: position and tag together say which history a client knows.
 * Strings are never compared by `<`: Lua does that by the server's locale.
 */

/** `KEYS` of every script of a log. */
export const META = 'KEYS[1]'
export const LOG = 'KEYS[2]'
/** `KEYS` of every script that reads or writes spaces. */
export interface SpaceKeys {
  readonly keys: string
  readonly rows: string
}

/** How many arguments one call may have: Lua's stack holds 8000. */
const ARGUMENTS_MAX = 4000

/** Answers false when there is no store yet; else declares `position`, `number`, `tag`, `epoch`, `bytes`, `replicated`, `isReplicated`. */
export const readMeta = `
local meta = redis.call('HMGET', ${META}, 'position', 'number', 'tag', 'epoch', 'bytes', 'replicated', 'replicas')
if not meta[1] then return false end
local position, number, tag, epoch = tonumber(meta[1]), tonumber(meta[2]), meta[3], meta[4]
local bytes, replicated, isReplicated = tonumber(meta[5]), tonumber(meta[6]), meta[7] ~= '0'
`

/**
 * `since(after, known)`: the entries after that position; false when some of them are forgotten, or when the commit that led
 * to it has not the tag `known`. False as `known` means that the caller cannot say.
 */
export const since = `
local function since(after, known)
  local count = position - after
  if count < 0 then return false end
  if count == 0 and known then return known == tag and {} end
  local found = redis.call('LRANGE', ${LOG}, -count - 1, -1)
  if #found == count + 1 then
    if known and string.sub(found[1], 1, 4) ~= known then return false end
    table.remove(found, 1)
    return found
  end
  return after == 0 and #found == count and (not known or known == epoch) and found
end
`

/** `read(keys)` and `range(from, to, limit, isReversed, rowsPrefix)`; absent values are false. */
export const readSpaces = ({ keys, rows }: SpaceKeys): string => `
local function values(fields)
  local all = {}
  for first = 1, #fields, ${ARGUMENTS_MAX} do
    local last = math.min(first + ${ARGUMENTS_MAX - 1}, #fields)
    local found = redis.call('HMGET', ${rows}, unpack(fields, first, last))
    for i = 1, #found do all[first + i - 1] = found[i] end
  end
  return all
end

local function read(members)
  local all = values(members)
  for i = 1, #members do
    if not all[i] and redis.call('ZSCORE', ${keys}, members[i]) then all[i] = '' end
  end
  return all
end

local function range(from, to, limit, isReversed, rowsPrefix)
  local found
  if isReversed then
    found = redis.call('ZREVRANGEBYLEX', ${keys}, '(' .. to, '[' .. from, 'LIMIT', 0, limit + 1)
  else
    found = redis.call('ZRANGEBYLEX', ${keys}, '[' .. from, '(' .. to, 'LIMIT', 0, limit + 1)
  end
  local isComplete = #found <= limit
  if not isComplete then found[#found] = nil end
  local fields = found
  if rowsPrefix then
    fields = {}
    for i = 1, #found do
      local member = found[i]
      local high, low = string.byte(member, -2, -1)
      fields[i] = rowsPrefix .. string.sub(member, -2 - high * 256 - low, -3)
    end
  end
  return found, values(fields), isComplete
end
`

/** `answerLook(keys, ranges)`: two lists for the reply. The ranges come and go one after another, in flat lists. */
export const answerLook = `
local function answerLook(members, asked)
  local ranges = {}
  for i = 1, #asked, 5 do
    local found, rows, isComplete = range(asked[i], asked[i + 1], asked[i + 2], asked[i + 3], asked[i + 4])
    local hasRows = false
    for j = 1, #rows do hasRows = hasRows or rows[j] ~= false end
    ranges[#ranges + 1] = found
    ranges[#ranges + 1] = hasRows and rows or {}
    ranges[#ranges + 1] = isComplete
  end
  return read(members), ranges
end
`

/** `apply(writes)`: a flat list of members and values; false deletes. Setting what is set already changes nothing. */
export const applyWrites = ({ keys, rows }: SpaceKeys): string => `
local function each(command, key, list)
  for first = 1, #list, ${ARGUMENTS_MAX} do
    redis.call(command, key, unpack(list, first, math.min(first + ${ARGUMENTS_MAX - 1}, #list)))
  end
end

local function apply(writes)
  local added, set, removed, unset = {}, {}, {}, {}
  for i = 1, #writes, 2 do
    local member, value = writes[i], writes[i + 1]
    if value then
      added[#added + 1] = 0
      added[#added + 1] = member
    else
      removed[#removed + 1] = member
    end
    if value and value ~= '' then
      set[#set + 1] = member
      set[#set + 1] = value
    else
      unset[#unset + 1] = member
    end
  end
  each('ZADD', ${keys}, added)
  each('HSET', ${rows}, set)
  each('ZREM', ${keys}, removed)
  each('HDEL', ${rows}, unset)
end
`

/** `isAbsent(members, ranges)`: whether none of them is there. */
export const readAbsence = ({ keys }: Pick<SpaceKeys, 'keys'>): string => `
local function isAbsent(members, ranges)
  for i = 1, #members do
    if redis.call('ZSCORE', ${keys}, members[i]) then return false end
  end
  for i = 1, #ranges, 2 do
    if #redis.call('ZRANGEBYLEX', ${keys}, '[' .. ranges[i], '(' .. ranges[i + 1], 'LIMIT', 0, 1) > 0 then return false end
  end
  return true
end
`

/**
 * `validate(entries, commit, entryId)`: whether one of the entries touches what was read, and the index of
 * the entry that is this very commit, if it is there already. The ranges are a flat list, in order and apart.
 */
export const validate = `
local function isBefore(left, right)
  local i = 1
  while string.sub(left, i, i + 31) == string.sub(right, i, i + 31) and i <= #left do i = i + 32 end
  while true do
    local a, b = string.byte(left, i), string.byte(right, i)
    if not b then return false end
    if not a or a < b then return true end
    if a > b then return false end
    i = i + 1
  end
end

local function isInside(member, ranges)
  local low, high = 0, #ranges / 2
  while low < high do
    local middle = math.floor((low + high) / 2)
    if isBefore(member, ranges[2 * middle + 2]) then high = middle else low = middle + 1 end
  end
  return 2 * low < #ranges and not isBefore(member, ranges[2 * low + 1])
end

local function validate(entries, commit, entryId)
  local wasRead, hasRanges, isTouched = {}, {}, false
  local ranges, absent, entryTag = commit[4], commit[10], commit[6]
  for i = 1, #ranges do hasRanges[string.sub(ranges[i], 1, 4)] = true end
  for i = 1, #absent do hasRanges[string.sub(absent[i], 1, 4)] = true end
  for i = 1, #commit[3] do wasRead[commit[3][i]] = true end
  for i = 1, #commit[9] do wasRead[commit[9][i]] = true end
  for i = 1, #entries do
    local other = cmsgpack.unpack(string.sub(entries[i], 13))
    if string.sub(entries[i], 1, 4) == entryTag and other[1] == entryId then return false, i end
    local writes = other[4]
    for j = 1, isTouched and 0 or #writes, 2 do
      local member = writes[j]
      isTouched = wasRead[member] or false
      if not isTouched and hasRanges[string.sub(member, 1, 4)] then
        isTouched = isInside(member, ranges) or isInside(member, absent)
      end
      if isTouched then break end
    end
  end
  return isTouched, false
end
`

/**
 * `fill(pieces, first)`: the pieces of an entry, joined. A number among them is a hole for a number of the commit: twice its
 * count, plus one where it goes into a value (see `Hole` for both forms).
 */
export const fill = `
local function fill(pieces, first)
  for i = 1, #pieces do
    local hole = pieces[i]
    if type(hole) == 'number' then
      local filling = first + math.floor(hole / 2)
      if hole % 2 == 1 then
        pieces[i] = string.format('%16.0f', filling)
      else
        local double = struct.pack('>d', filling)
        pieces[i] = string.char(string.byte(double) + 128) .. string.sub(double, 2)
      end
    end
  end
  return table.concat(pieces)
end
`
