import { scriptOf } from './redis-scripts.ts'

/*
 * The shelf of a place: for each template a list of waiting Sets, each `put ms f64 | sealed Set`; a list for each claim of
 * it, and a sorted set of the claims by the end of their lease. What it holds is counted in one hash (`total`, each
 * place, each list), so that bounds hold for all pods; a sorted set of the lists by the time they end lets go of those
 * that nobody claimed.
 */
const COMMON = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function count(held, list, octets)
  local place = string.match(list, '^(.*):p%d+$')
  redis.call('HINCRBY', held, 'total', octets)
  for _, field in ipairs({ place, list }) do
    if redis.call('HINCRBY', held, field, octets) <= 0 then redis.call('HDEL', held, field) end
  end
end
local function dropOld(held, list, keepMs)
  while true do
    local first = redis.call('LINDEX', list, 0)
    if not first or struct.unpack('>d', first) > now - keepMs then return end
    redis.call('LPOP', list)
    count(held, list, -#first)
  end
end
local function takeBack(list, leases, untilMs)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', untilMs)) do
    while redis.call('RPOPLPUSH', list .. ':' .. id, list) do end
    redis.call('ZREM', leases, id)
  end
end`

/**
 * KEYS: token, held, ends, then the lists. ARGV: ms to keep, octets of a place, octets of all, then for each Set: index of
 * its list, element.
 *
 * @returns how many of the first ones were taken, now or under the same token before.
 */
export const shelvePutScript = scriptOf(`${COMMON}
local token, held, ends = KEYS[1], KEYS[2], KEYS[3]
local keepMs, mostOfPlace, mostOfAll = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local before = redis.call('GET', token)
if before then return tonumber(before) end
for _, list in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 20)) do
  takeBack(list, list .. ':l', '+inf')
  dropOld(held, list, keepMs)
  if redis.call('EXISTS', list) == 0 then
    redis.call('ZREM', ends, list)
    count(held, list, -(tonumber(redis.call('HGET', held, list) or '0')))
  else
    redis.call('ZADD', ends, now + keepMs, list)
  end
end
for i = 4, #KEYS do dropOld(held, KEYS[i], keepMs) end
local place = string.match(KEYS[4], '^(.*):p%d+$')
local taken = 0
for i = 4, #ARGV, 2 do
  local list, element = KEYS[3 + tonumber(ARGV[i])], struct.pack('>d', now) .. ARGV[i + 1]
  local ofPlace = tonumber(redis.call('HGET', held, place) or '0')
  local ofAll = tonumber(redis.call('HGET', held, 'total') or '0')
  if ofPlace + #element > mostOfPlace or ofAll + #element > mostOfAll then break end
  redis.call('RPUSH', list, element)
  count(held, list, #element)
  redis.call('PEXPIRE', list, keepMs * 3)
  redis.call('ZADD', ends, now + keepMs, list)
  taken = taken + 1
end
-- Of none there is nothing to be known again: it is tried again when there is room.
-- Who put it may be started again as long as the Sets are worth anything.
if taken > 0 then redis.call('SET', token, taken, 'PX', math.max(600000, keepMs * 2)) end
return taken`)

/**
 * KEYS: list, leases, claimed, held. ARGV: claim, lease ms, most octets, ms to keep.
 *
 * @returns the elements, which are the claim's until the lease is over; the same ones if it is made again.
 */
export const shelfClaimScript = scriptOf(`${COMMON}
local list, leases, claimed, held = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local leaseMs, most, keepMs = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
takeBack(list, leases, now)
if redis.call('EXISTS', claimed) == 1 then return redis.call('LRANGE', claimed, 0, -1) end
dropOld(held, list, keepMs)
local elements, octets = {}, 0
while true do
  local first = redis.call('LINDEX', list, 0)
  if not first or (octets > 0 and octets + #first > most) then break end
  redis.call('LPOP', list)
  redis.call('RPUSH', claimed, first)
  octets = octets + #first
  elements[#elements + 1] = first
end
if #elements > 0 then
  redis.call('ZADD', leases, now + leaseMs, ARGV[1])
  redis.call('PEXPIRE', leases, keepMs * 3)
  redis.call('PEXPIRE', claimed, keepMs * 3)
end
return elements`)

/**
 * KEYS: list, leases, claimed, held, done. ARGV: claim.
 *
 * @returns 1 if they were the claim's until now, or it was told so before; they are forgotten.
 */
export const shelfDoneScript = scriptOf(`${COMMON}
local list, leases, claimed, held, done = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if redis.call('EXISTS', done) == 1 then return 1 end
if not redis.call('ZSCORE', leases, ARGV[1]) then return 0 end
local octets = 0
for _, element in ipairs(redis.call('LRANGE', claimed, 0, -1)) do octets = octets + #element end
redis.call('SET', done, 1, 'PX', 600000)
redis.call('DEL', claimed)
redis.call('ZREM', leases, ARGV[1])
count(held, list, -octets)
return 1`)
