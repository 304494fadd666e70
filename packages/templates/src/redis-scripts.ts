import { createHash } from 'node:crypto'

/** A script and the name that a server which has seen it knows it by. */
export interface RedisScript {
  readonly lua: string
  readonly sha: string
}

export const scriptOf = (lua: string): RedisScript => ({ lua, sha: createHash('sha1').update(lua).digest('hex') })

/*
 * Offsets are those of the stored form of an entry (`entry-codec.ts`, version 2) behind its seal (`entry-seal.ts`). A
 * value that has not this form is as if it were not there. The rule of `supersedes` (`stored-entry.ts`) is repeated here,
 * because it has to be applied where two writers meet.
 */
const READ_HEAD = `
local function baseOf(value)
  local first = string.byte(value, 1)
  if first == 0 then return 1 elseif first == 1 then return 33 end
end
local function headOf(value)
  local base = baseOf(value)
  if not base or #value < base + 24 or string.byte(value, base + 1) ~= 2 then return nil end
  local exportTime = struct.unpack('>I4', value, base + 3)
  local seen = struct.unpack('>d', value, base + 7)
  if seen ~= seen then return nil end
  local definitionAt = struct.unpack('>I4', value, base + 15)
  local scopeLength = struct.unpack('>I2', value, base + 19)
  local kind = string.byte(value, base + 2)
  -- What makes it another one, not only a later one.
  local meaningAt = definitionAt
  if kind == 2 then meaningAt = 24 + scopeLength + 8 elseif kind >= 3 then meaningAt = 24 + scopeLength end
  return { exportTime = exportTime, seen = seen, kind = kind, meaning = string.sub(value, base + 1 + meaningAt) }
end
local function supersedes(entry, known)
  local later = entry.seen - known.seen
  if entry.exportTime == known.exportTime then return later >= 0 end
  if entry.exportTime > known.exportTime then return later > -60000 end
  return later >= 60000
end
local function ofType(key, wanted)
  local kind = redis.call('TYPE', key).ok
  if kind ~= wanted and kind ~= 'none' then redis.call('DEL', key) end
end`

/**
 * Write the changes of some places of one shard.
 *
 * KEYS: index, then for each place entries, versions, ended.
 * ARGV: writer, channel, PUBLISH or SPUBLISH, history ms, ended versions kept, fields kept, then for each place: member,
 * ms to live, last seen ms, puts, removals, each put: field, value, 1 = whatever stands there; each removal: field,
 * Export Time.
 *
 * @returns for each put that was refused: index of the place, field, value that stands there.
 */
export const writeScript = scriptOf(`${READ_HEAD}
local index, writer, channel, publish = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local historyMs, maxEnded, maxFields = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local at, refused, told = 7, {}, {}
ofType(index, 'zset')
local function endVersion(versions, ended, field, value, mark)
  local lastSeen = tonumber(redis.call('HGET', versions, 's' .. string.sub(field, 2)) or '0') or 0
  local id = tonumber(string.sub(field, 2)) or 0
  redis.call('RPUSH', ended, mark .. struct.pack('>dI2', lastSeen, id) .. value)
  redis.call('LTRIM', ended, -maxEnded, -1)
  redis.call('PEXPIRE', ended, historyMs)
end
local function noteVersion(versions, ended, field, value, head)
  local known = redis.call('HGET', versions, field)
  local knownHead = known and headOf(known)
  if not knownHead or knownHead.meaning ~= head.meaning then
    if knownHead then endVersion(versions, ended, field, known, 'r') end
    redis.call('HSET', versions, field, value)
  end
  redis.call('HSET', versions, 's' .. string.sub(field, 2), string.format('%.0f', head.seen))
  redis.call('PEXPIRE', versions, historyMs)
end
local function prune(entries)
  local all, aged = redis.call('HGETALL', entries), {}
  for i = 1, #all, 2 do
    local head = headOf(all[i + 1])
    aged[#aged + 1] = { field = all[i], seen = head and head.seen or 0 }
  end
  table.sort(aged, function(a, b) return a.seen < b.seen end)
  for i = 1, math.ceil(#aged / 4) do redis.call('HDEL', entries, aged[i].field) end
end
for place = 1, (#KEYS - 1) / 3 do
  local entries, versions, ended = KEYS[place * 3 - 1], KEYS[place * 3], KEYS[place * 3 + 1]
  local member, liveMs, seenMs = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local puts, removals = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  at = at + 5
  ofType(entries, 'hash')
  ofType(versions, 'hash')
  ofType(ended, 'list')
  local changed = false
  for i = 1, puts do
    local field, value, force = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    at = at + 3
    local head = headOf(value)
    local known = redis.call('HGET', entries, field)
    local knownHead = known and headOf(known)
    if knownHead and force ~= '1' and not supersedes(head, knownHead) then
      refused[#refused + 1] = { place - 1, field, known }
    else
      if not known and redis.call('HLEN', entries) >= maxFields then prune(entries) end
      redis.call('HSET', entries, field, value)
      if head.kind ~= 3 and (not knownHead or knownHead.meaning ~= head.meaning) then changed = true end
      if head.kind == 1 then noteVersion(versions, ended, field, value, head) end
    end
  end
  for i = 1, removals do
    local field, exportTime = ARGV[at], tonumber(ARGV[at + 1])
    at = at + 2
    local known = redis.call('HGET', entries, field)
    local knownHead = known and headOf(known)
    if known and (not knownHead or knownHead.exportTime <= exportTime) then
      redis.call('HDEL', entries, field)
      changed = true
      if string.sub(field, 1, 1) == 't' then
        local version = redis.call('HGET', versions, field)
        if version then
          endVersion(versions, ended, field, version, 'w')
          redis.call('HDEL', versions, field, 's' .. string.sub(field, 2))
        end
      end
    end
  end
  if redis.call('EXISTS', entries) == 1 then
    local left = redis.call('PTTL', entries)
    if liveMs > left then redis.call('PEXPIRE', entries, liveMs) end
    redis.call('ZADD', index, 'GT', seenMs, member)
  else
    redis.call('ZREM', index, member)
  end
  if changed then told[#told + 1] = member end
end
if #told > 0 then redis.call(publish, channel, writer .. '\\n' .. table.concat(told, '\\n')) end
return refused`)

/**
 * Take places out of the index that have ended.
 *
 * KEYS: index, then the entries of each place. ARGV: the places.
 */
export const tidyScript = scriptOf(`
for i = 1, #ARGV do
  if redis.call('EXISTS', KEYS[i + 1]) == 0 then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 0`)

/**
 * Read places. A hash that no ring can have written (of another type, of more fields or octets) is not sent.
 *
 * KEYS: the entries of each place. ARGV: most fields, most octets.
 *
 * @returns for each place fields and values in turn, or null.
 */
export const readScript = scriptOf(`
local mostFields, mostOctets = tonumber(ARGV[1]), tonumber(ARGV[2])
local places = {}
for i, key in ipairs(KEYS) do
  local count = redis.pcall('HLEN', key)
  local place = type(count) == 'number' and count <= mostFields and redis.call('HGETALL', key)
  if place then
    local octets = 0
    for j = 2, #place, 2 do octets = octets + #place[j] end
    if octets > mostOctets then place = false end
  end
  places[i] = place
end
return places`)
