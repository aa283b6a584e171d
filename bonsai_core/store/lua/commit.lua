-- One unit of work, all of it or nothing.
--
-- KEYS  documents, marks, clients, outbox, token, turn, then one list for each record, then (meta, log) of each message's room
-- ARGV  1 the unit (msgpack, see redis_codec.pack_unit); then, if there are any: the mark's digest and answer, values of
--       documents, records, entries of the outbox, and for each message its channel and its body
-- Returns {'ok'}, {'done', digest, answer, at}, {'conflict', key...}, {'replaced'} or {'wait'}.
local unit = cmsgpack.unpack(ARGV[1])
local mark = unit.mark
local read = 1
local function blob()
  read = read + 1
  return ARGV[read]
end

-- The client may run a command twice (a retry after a timeout): then this is our own work, done already.
local slot
if mark then
  local held = redis.call('HGET', KEYS[2], mark.slot)
  if held then
    slot = cmsgpack.unpack(held)
    if slot.id == mark.id then
      local done = slot.by[mark.plugin]
      if done then
        if done[4] == unit.token then
          return {'ok'}
        end
        return {'done', done[1], done[2], done[3]}
      end
    else
      slot = nil
    end
  end
elseif redis.call('EXISTS', KEYS[5]) == 1 then
  return {'ok'}
end

-- A connection that was replaced on another node has no say any more.
if unit.sender then
  local now = redis.call('HGET', KEYS[3], unit.sender[1])
  if now and now ~= unit.sender[2] then
    return {'replaced'}
  end
end

-- A node that lost the race for a document again and again has the next turn (see Store.ask_turn).
local turn = redis.call('GET', KEYS[6])
if turn and turn ~= unit.node then
  return {'wait'}
end

local changed = {'conflict'}
local function version_of(key)
  local held = redis.call('HGET', KEYS[1], key)
  if not held then
    return 0, 0
  end
  local mine = string.find(held, ':', 1, true)
  local version = tonumber(string.sub(held, 1, mine - 1))
  if version < 0 then -- deleted: it counts as not existing, but its versions go on
    return 0, -version
  end
  return version, version
end
for key, version in pairs(unit.reads) do
  if version_of(key) ~= version then
    changed[#changed + 1] = key
  end
end
local bases = {}
for index, write in ipairs(unit.writes) do
  local version, base = version_of(write[1])
  bases[index] = base
  if version ~= write[2] then
    changed[#changed + 1] = write[1]
  end
end
if #changed > 1 then
  return changed
end

-- Nothing can refuse it from here on.
if turn then
  redis.call('DEL', KEYS[6])
end
if mark then
  slot = slot or {id = mark.id, by = {}}
  slot.by[mark.plugin] = {blob(), blob(), mark.at, unit.token}
  local highest = tonumber(redis.call('HGET', KEYS[2], 'highest') or 0)
  redis.call('HSET', KEYS[2], mark.slot, cmsgpack.pack(slot))
  if mark.id > highest then
    redis.call('HSET', KEYS[2], 'highest', string.format('%d', mark.id))
  end
  redis.call('EXPIRE', KEYS[2], 2592000)
else
  redis.call('SET', KEYS[5], 1, 'EX', 300)
end
for index, write in ipairs(unit.writes) do
  if write[3] then
    redis.call('HSET', KEYS[1], write[1], string.format('%d', bases[index] + 1) .. ':' .. blob())
  elseif bases[index] > 0 then
    redis.call('HSET', KEYS[1], write[1], string.format('%d', -bases[index]) .. ':')
  end
end
local place = 6
for _ = 1, unit.records do
  place = place + 1
  redis.call('RPUSH', KEYS[place], blob())
end
for _ = 1, unit.outbox do
  redis.call('XADD', KEYS[4], '*', 'b', blob())
end
if unit.said > 0 then
  local server = server_id()
  for _ = 1, unit.said do
    local meta, log = KEYS[place + 1], KEYS[place + 2]
    place = place + 2
    local epoch, offset = open_room(meta, log, unit.token, server)
    say(meta, log, blob(), epoch, offset + 1, blob(), unit.publish, unit.keep, unit.age)
  end
end
return {'ok'}
