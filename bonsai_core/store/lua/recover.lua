-- Where a room's log ends, and what came after a position in it.
--
-- KEYS  meta, log
-- ARGV  a fresh epoch; the position's epoch (may be empty) and offset
-- Returns {epoch, end, 1 if the log still holds all that came after the position, body...}.
local epoch, offset = open_room(KEYS[1], KEYS[2], ARGV[1], server_id())
local since = tonumber(ARGV[3])
if ARGV[2] ~= epoch or since < 0 or since > offset then
  return {epoch, offset, 0}
end
local answer = {epoch, offset, 1}
local from = string.format('%d-0', since + 1)
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], from, '+')) do
  answer[#answer + 1] = entry[2][2]
end
if #answer - 3 ~= offset - since then
  return {epoch, offset, 0}
end
return answer
