-- A device leaves, unless a newer connection of its client has taken its place.
--
-- KEYS  presence, clients
-- ARGV  client, connection
-- Returns 1 if it was removed.
local removed = 0
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.sub(held, 1, #ARGV[2] + 1) == ARGV[2] .. '\0' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  removed = 1
end
if redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[2], ARGV[1])
end
return removed
