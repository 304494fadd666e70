import { scriptOf } from './redis-scripts.ts'

/*
 * Keys of the revisions; all have one hash tag, so they stand on one node of a Cluster and one script may read and write them.
 *
 *   <prefix>:{revisions}:head      string: number and first part of the hash of the newest
 *   <prefix>:{revisions}:whole     hash: number -> sealed revision
 *   <prefix>:{revisions}:infos     hash: number -> sealed revision without its document
 *   <prefix>:{revisions}:first     string: number of the oldest that is kept
 *   <prefix>:{revisions}:octets    string: octets of the revisions that are kept
 *   <prefix>:{revisions}:bases     hash: content hash of what file and environment said -> number of the first revision of it
 *   <prefix>:{revisions}:rollout   hash: tag, value (sealed): the roll-out that is going on
 *   <prefix>:{revisions}:ended     hash: id -> sealed roll-out that has ended
 *   <prefix>:{revisions}:endings   list: ids of those, the newest first
 *   <prefix>:{revisions}:changed   channel
 */

const READ_HEAD = `
local function newestOf(head)
  local tag = redis.call('GET', head)
  return tag and tonumber(string.match(tag, '^(%d+)-')) or -1
end`

const WRITE = `${READ_HEAD}
local function write(number, tag, whole, info, base, most, mostOctets)
  redis.call('HSET', KEYS[2], number, whole)
  redis.call('HSET', KEYS[3], number, info)
  redis.call('HSETNX', KEYS[6], base, number)
  redis.call('SET', KEYS[1], tag)
  redis.call('SETNX', KEYS[4], number)
  local octets = redis.call('INCRBY', KEYS[5], #whole)
  local first = tonumber(redis.call('GET', KEYS[4]))
  while first < number and (number - first >= most or octets > mostOctets) do
    octets = redis.call('DECRBY', KEYS[5], redis.call('HSTRLEN', KEYS[2], first))
    redis.call('HDEL', KEYS[2], first)
    redis.call('HDEL', KEYS[3], first)
    first = first + 1
  end
  redis.call('SET', KEYS[4], first)
end`

/**
 * KEYS: head, whole, rollout. ARGV: head and tag of the roll-out that the caller knows, which are not sent again.
 *
 * @returns head, whole revision, tag of the roll-out, roll-out; empty where there is none or it is known.
 */
export const lookScript = scriptOf(`
local head, tag = redis.call('GET', KEYS[1]) or '', redis.call('HGET', KEYS[3], 'tag') or ''
local whole, rollout = '', ''
if head ~= '' and head ~= ARGV[1] then
  whole = redis.call('HGET', KEYS[2], string.match(head, '^(%d+)-') or '') or ''
end
if tag ~= '' and tag ~= ARGV[2] then rollout = redis.call('HGET', KEYS[3], 'value') or '' end
return { head, whole, tag, rollout }`)

/**
 * Add a revision, change the roll-out, or both at once; nothing, if another one was quicker.
 *
 * KEYS: head, whole, infos, first, octets, bases, rollout, ended, endings.
 * ARGV: channel, PUBLISH or SPUBLISH, newest as the caller knows it, tag of the roll-out as he knows it (empty: none),
 * revision: tag (empty: none is added), whole, info, base, most revisions, most octets,
 * roll-out: tag (empty: none goes on), value, id and value of the one that ends (empty: none does), endings that are kept.
 *
 * @returns ok; or head and the newest; or rollout and the tag of the one that is going on.
 */
export const changeScript = scriptOf(`${WRITE}
local tag = redis.call('HGET', KEYS[7], 'tag') or ''
if tag ~= ARGV[4] then return { 'rollout', tag } end
local newest = newestOf(KEYS[1])
if newest ~= tonumber(ARGV[3]) then return { 'head', tostring(newest) } end
if ARGV[5] ~= '' then
  write(newest + 1, ARGV[5], ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10]))
end
if ARGV[11] ~= '' then redis.call('HSET', KEYS[7], 'tag', ARGV[11], 'value', ARGV[12])
elseif tag ~= '' then redis.call('DEL', KEYS[7]) end
if ARGV[13] ~= '' then
  redis.call('HSET', KEYS[8], ARGV[13], ARGV[14])
  redis.call('LPUSH', KEYS[9], ARGV[13])
  while redis.call('LLEN', KEYS[9]) > tonumber(ARGV[15]) do
    redis.call('HDEL', KEYS[8], redis.call('RPOP', KEYS[9]))
  end
end
redis.call(ARGV[2], ARGV[1], 'changed')
return { 'ok' }`)

/**
 * Put a revision back that the server has lost.
 *
 * KEYS: as above. ARGV: channel, PUBLISH or SPUBLISH, number, then as above for a revision.
 *
 * @returns 1: it is the newest now; 0: there is one as new.
 */
export const restoreScript = scriptOf(`${WRITE}
local number = tonumber(ARGV[3])
if newestOf(KEYS[1]) >= number then return 0 end
write(number, ARGV[4], ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]))
redis.call(ARGV[2], ARGV[1], 'changed')
return 1`)

/**
 * KEYS: head, first, infos. ARGV: how many of the newest to leave out, how many to give.
 *
 * @returns how many there are, then numbers and infos.
 */
export const listScript = scriptOf(`${READ_HEAD}
local newest, first = newestOf(KEYS[1]), tonumber(redis.call('GET', KEYS[2]) or '0')
local reply = { newest < 0 and 0 or newest - first + 1 }
for number = newest - tonumber(ARGV[1]), newest - tonumber(ARGV[1]) - tonumber(ARGV[2]) + 1, -1 do
  if number < first then break end
  reply[#reply + 1] = tostring(number)
  reply[#reply + 1] = redis.call('HGET', KEYS[3], number) or ''
end
return reply`)
