-- The marks of one message.
--
-- KEYS  marks
-- ARGV  slot, id
-- Returns {plugin, digest, answer, at, ...}.
local answer = {}
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local slot = cmsgpack.unpack(held)
  if slot.id == tonumber(ARGV[2]) then
    for plugin, mark in pairs(slot.by) do
      for _, value in ipairs({plugin, mark[1], mark[2], mark[3]}) do
        answer[#answer + 1] = value
      end
    end
  end
end
return answer
