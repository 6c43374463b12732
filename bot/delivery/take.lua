-- Take the oldest reply of a conversation to send it.
-- KEYS 1 meta  2 out  3 due    ARGV 1 due id  2 nonce of this attempt
-- Returns {'stale'} or {'send', epoch, tries, 1 if an earlier attempt has no known outcome, entry id, reply JSON}.
-- A repeated call with the same nonce answers the same.
local function drop()
  redis.call('XACK', KEYS[3], 'senders', ARGV[1])
  redis.call('XDEL', KEYS[3], ARGV[1])
  return {'stale'}
end
local meta = redis.call('HMGET', KEYS[1], 'due', 'sender', 'sepoch', 'stries', 'sunsure', 'sopen')
if meta[1] == 'later' then
  redis.call('HSET', KEYS[1], 'due', ARGV[1])
elseif meta[1] ~= ARGV[1] then
  return drop()
end
local head = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if not head then
  redis.call('HDEL', KEYS[1], 'due', 'sender', 'stries', 'sunsure', 'sopen')
  return drop()
end
local epoch, tries, unsure = meta[3], meta[4], meta[5]
if meta[2] ~= ARGV[2] then
  epoch = redis.call('HINCRBY', KEYS[1], 'sepoch', 1)
  tries = redis.call('HINCRBY', KEYS[1], 'stries', 1)
  unsure = meta[6] or '0'
  redis.call('HSET', KEYS[1], 'sender', ARGV[2], 'sunsure', unsure, 'sopen', '1')
end
return {'send', tonumber(epoch), tonumber(tries), tonumber(unsure), head[1], head[2][2]}
