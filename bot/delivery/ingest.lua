-- Queue one event, unless it was seen before. One step: no mark without the event, no event without the mark.
-- KEYS 1 seen  2 mailbox  3 meta  4 ready  5 log  6 alarms
-- ARGV 1 conversation  2 inbound JSON  3 origin hub  4 mailbox limit  5 ready limit  6 seen ttl s
--      7 home channel ('' to leave it)  8 recipient  9 user frame JSON ('' for none)  10 log length  11 log ttl s
--      12 live channel  13 'move': the home channel is this one, 'first': unless there is one
--      14 the alarm that this is ('' for none): it is off as soon as its event is queued
-- Returns {verdict, seen mark, number of the user frame}. A repeated call answers dup.
local mark = redis.call('GET', KEYS[1])
if mark then
  if ARGV[14] ~= '' then redis.call('ZREM', KEYS[6], ARGV[14]) end
  return {'dup', mark, 0}
end
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[4]) or redis.call('XLEN', KEYS[4]) >= tonumber(ARGV[5]) then
  return {'busy', '', 0}
end
local id = redis.call('XADD', KEYS[2], '*', 'm', ARGV[2], 'o', ARGV[3])
redis.call('SET', KEYS[1], id, 'EX', ARGV[6])
-- What waits must not expire; commit sets the time to live again.
redis.call('PERSIST', KEYS[3])
redis.call('HSETNX', KEYS[3], 'born', id)
if ARGV[7] ~= '' and (ARGV[13] == 'move' or redis.call('HEXISTS', KEYS[3], 'channel') == 0) then
  redis.call('HSET', KEYS[3], 'channel', ARGV[7], 'recipient', ARGV[8])
end
if redis.call('HEXISTS', KEYS[3], 'ready') == 0 then
  redis.call('HSET', KEYS[3], 'ready', redis.call('XADD', KEYS[4], '*', 'c', ARGV[1]))
end
if ARGV[14] ~= '' then redis.call('ZREM', KEYS[6], ARGV[14]) end
local seq = 0
if ARGV[9] ~= '' then
  seq = redis.call('HINCRBY', KEYS[3], 'seq', 1)
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[10], seq .. '-0', 'f', ARGV[9])
  redis.call('EXPIRE', KEYS[5], ARGV[11])
  redis.call('PUBLISH', ARGV[12], '{"from":"' .. ARGV[3] .. '","seq":' .. seq .. ',"frames":[' .. ARGV[9] .. ']}')
end
return {'queued', id, seq}
