-- A node says that it lives, and learns who does.
--
-- KEYS  nodes (sorted set: node -> end of its lease, ms of the server's clock)
-- ARGV  node, length of the lease in ms, 1 if it has a lease already
-- Returns {1 unless the node's lease had run out, dead nodes, the server's clock in ms}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
local good = 1
if ARGV[3] == '1' and (not mine or tonumber(mine) < now) then
  good = 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
local dead = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%d', now))
return {good, dead, now}
