-- One message from an outbox to a room that lives elsewhere, once.
--
-- KEYS  meta, log
-- ARGV  a fresh epoch, the outbox's name, the entry's id (ms, sequence), channel, body, publish command, keep, age
local epoch, offset = open_room(KEYS[1], KEYS[2], ARGV[1], server_id())
local place = 'from:' .. ARGV[2]
local last = redis.call('HGET', KEYS[1], place)
local ms, sequence = tonumber(ARGV[3]), tonumber(ARGV[4])
if last then
  local last_ms, last_sequence = string.match(last, '(%d+)-(%d+)')
  last_ms, last_sequence = tonumber(last_ms), tonumber(last_sequence)
  if ms < last_ms or (ms == last_ms and sequence <= last_sequence) then
    return 0
  end
end
redis.call('HSET', KEYS[1], place, ARGV[3] .. '-' .. ARGV[4])
say(KEYS[1], KEYS[2], ARGV[5], epoch, offset + 1, ARGV[6], ARGV[7], ARGV[8], ARGV[9])
return 1
