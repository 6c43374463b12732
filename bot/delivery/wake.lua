-- Put conversations whose waiting time is over back into the run queue of senders.
-- KEYS 1 later  2 due    ARGV 1 now, ms since the epoch  2 at most so many
-- Returns how many. A repeated call finds them gone from `later`.
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('XADD', KEYS[2], '*', 'c', id)
end
return #ids
