/** What is asked once: to make a store, and to note which spaces there are. */

import { defineScript } from './script.ts'

/**
 * Makes a store where there is none, and answers with its settings in either case. `KEYS[1]` is its hash of settings, the
 * others must not exist yet; `ARGV` are fields and values. False when it is not there and remains of another are.
 */
export const createScript = defineScript(
  '',
  `
if redis.call('EXISTS', KEYS[1]) == 0 then
  for i = 2, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then return false end
  end
  redis.call('HSET', KEYS[1], unpack(ARGV))
end
return redis.call('HGETALL', KEYS[1])
`,
)

/** Notes names of spaces (`ARGV`: prefix, name, …) in the hash `KEYS[1]`; answers with a name that has taken a prefix before, or false. */
export const nameSpacesScript = defineScript(
  '',
  `
for i = 1, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) == 0 then
    local taken = redis.call('HGET', KEYS[1], ARGV[i])
    if taken ~= ARGV[i + 1] then return taken end
  end
end
return false
`,
)

/** The names of all spaces: prefix, name, … of the hash `KEYS[1]`. */
export const allSpacesScript = defineScript('allow-oom', `return redis.call('HGETALL', KEYS[1])`)

/** What the scripts call, with as many words behind the key as it takes. */
const CALLED: readonly (readonly string[])[] = [
  ['exists', 'hgetall', 'llen', 'lpop'],
  ['hget', 'hmget', 'hdel', 'rpush', 'zrem', 'zscore', 'publish'],
  ['hset', 'hsetnx', 'lrange', 'zadd', 'zrangebylex', 'zrevrangebylex'],
]

/**
 * Answers with the first command that the user of this connection may not run on the keys of the store (`KEYS[1]` is one of them),
 * or false: a script that was refused in its midst would leave a half.
 */
export const permissionsScript = defineScript(
  'allow-oom',
  `
for words, commands in ipairs({${CALLED.map((commands) => `{'${commands.join("', '")}'}`).join(', ')}}) do
  for _, command in ipairs(commands) do
    local call = {command, KEYS[1]}
    for word = 2, words do call[word + 1] = '0' end
    if not redis.acl_check_cmd(unpack(call)) then return command end
  end
end
return false
`,
)
