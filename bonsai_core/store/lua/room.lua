-- Shared by the scripts that touch a room (it is put in front of them): a room's epoch, kept honest.

-- The server's replication id. It changes when a replica is promoted (which may lack the last writes) and when the
-- server was started again (which may have lost them).
local function server_id()
  return string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end

-- The epoch and the last offset of a room. A new life of the log begins when there is none, or when this server is not
-- the one that wrote it.
local function open_room(meta, log, fresh, server)
  local known = redis.call('HMGET', meta, 'epoch', 'offset', 'server')
  if known[1] and known[3] == server then
    return known[1], tonumber(known[2])
  end
  redis.call('DEL', log)
  redis.call('HSET', meta, 'epoch', fresh, 'offset', 0, 'server', server)
  return fresh, 0
end

-- Adds one message to a room's log and publishes it: numbered, logged and told in one act.
local function say(meta, log, channel, epoch, offset, body, publish, keep, age)
  redis.call('HSET', meta, 'offset', offset)
  redis.call('XADD', log, 'MAXLEN', '~', keep, string.format('%d-0', offset), 'b', body)
  redis.call('EXPIRE', log, age)
  redis.call('EXPIRE', meta, age + 2592000)
  redis.call(publish, channel, epoch .. ':' .. string.format('%d', offset) .. ':' .. body)
end
