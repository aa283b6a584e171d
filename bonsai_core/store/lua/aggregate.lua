-- A new value of an aggregate, unless somebody else has folded meanwhile.
--
-- KEYS  aggregate
-- ARGV  the version that the value was made from, the value, the outbox's name, the id of the last entry folded in
-- Returns 1, or 0 when the version has changed.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or 0)
if version ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'version', version + 1, 'value', ARGV[2], 'from:' .. ARGV[3], ARGV[4])
return 1
