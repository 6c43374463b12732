-- Take the head of a mailbox and a new fencing epoch: whoever held the conversation before can no longer commit.
-- KEYS 1 meta  2 mailbox  3 ready  4 tracker
-- ARGV 1 ready id  2 nonce of this attempt  3 born and  4 number of events that the caller has  5 live channel
--      6 typing notice ('' for none)  7 conversation ttl s
-- Returns {'stale'} or {'turn', epoch, tries, message id, inbound JSON, origin, channel, recipient, born, from, events}
-- with the events from number `from` on. A repeated call with the same nonce answers the same.
local function drop()
  redis.call('XACK', KEYS[3], 'workers', ARGV[1])
  redis.call('XDEL', KEYS[3], ARGV[1])
  return {'stale'}
end
local meta = redis.call('HMGET', KEYS[1], 'ready', 'holder', 'epoch', 'tries', 'born', 'channel', 'recipient')
if meta[1] ~= ARGV[1] then return drop() end
local head = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if not head then
  redis.call('HDEL', KEYS[1], 'ready', 'holder', 'tries')
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  return drop()
end
local epoch, tries = meta[3], meta[4]
if meta[2] ~= ARGV[2] then
  epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
  tries = redis.call('HINCRBY', KEYS[1], 'tries', 1)
  redis.call('HSET', KEYS[1], 'holder', ARGV[2])
  if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
end
local from = 0
if meta[5] == ARGV[3] and tonumber(ARGV[4]) <= redis.call('LLEN', KEYS[4]) then from = tonumber(ARGV[4]) end
return {
  'turn', tonumber(epoch), tonumber(tries), head[1], head[2][2], head[2][4],
  meta[6] or '', meta[7] or '', meta[5] or '', from, redis.call('LRANGE', KEYS[4], from, -1),
}
