-- A device takes its place in a session, and its client's connection becomes the one that counts.
--
-- KEYS  presence, clients
-- ARGV  client, device (packed), connection
-- Returns {the connection that it replaces or '', device...}.
local before = redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], 2592000)
local answer = redis.call('HVALS', KEYS[1])
table.insert(answer, 1, before or '')
return answer
