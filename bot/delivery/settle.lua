-- End an attempt to send: the reply is done with, or the conversation's replies wait until a time.
-- KEYS 1 meta  2 out  3 due  4 later  5 dead
-- ARGV 1 conversation  2 epoch  3 due id  4 entry id  5 due at, ms since the epoch ('' when done with)
--      6 dead letter JSON ('' for none)  7 dead length  8 '1' if the platform surely has not got it
-- Returns {'done'} or {'fenced'}. A repeated call answers fenced or finds nothing left to do.
if redis.call('HGET', KEYS[1], 'sepoch') ~= ARGV[2] then return {'fenced'} end
if redis.call('HGET', KEYS[1], 'due') ~= ARGV[3] then return {'done'} end
redis.call('XACK', KEYS[3], 'senders', ARGV[3])
redis.call('XDEL', KEYS[3], ARGV[3])
redis.call('HDEL', KEYS[1], 'sender')
if ARGV[8] == '1' then redis.call('HDEL', KEYS[1], 'sopen') end
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[4], ARGV[5], ARGV[1])
  redis.call('HSET', KEYS[1], 'due', 'later')
  return {'done'}
end
redis.call('XDEL', KEYS[2], ARGV[4])
redis.call('HDEL', KEYS[1], 'stries', 'sunsure', 'sopen')
if ARGV[6] ~= '' then redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[7], '*', 'j', ARGV[6]) end
if redis.call('XLEN', KEYS[2]) > 0 then
  redis.call('HSET', KEYS[1], 'due', redis.call('XADD', KEYS[3], '*', 'c', ARGV[1]))
else
  redis.call('HDEL', KEYS[1], 'due')
  redis.call('DEL', KEYS[2])
end
return {'done'}
