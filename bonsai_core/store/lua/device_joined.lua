-- A device takes its place in a session, and its client's connection becomes the one that counts, unless one that was
-- opened later does.
--
-- KEYS  presence, clients
-- ARGV  client, device (packed), connection (node|time of opening|device), how much later at most, in ms
-- Returns {the connection that it replaces or '', device...}, or nothing when a later one is there.
local function opened(connection)
  return tonumber(string.match(connection, '|(%d+)|')) or 0
end

local before = redis.call('HGET', KEYS[2], ARGV[1])
if before then
  local later = opened(before) - opened(ARGV[3])
  if later > 0 and later <= tonumber(ARGV[4]) then
    return false
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], 2592000)
local answer = redis.call('HVALS', KEYS[1])
table.insert(answer, 1, before or '')
return answer
