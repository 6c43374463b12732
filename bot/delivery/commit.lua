-- End a turn: everything it adds appears at once, or nothing does.
-- KEYS 1 meta  2 mailbox  3 ready  4 tracker  5 log  6 seen  7 out  8 due  9 transcript  10 dead  11 feedback
--      12 handoff  13 alarms
-- ARGV 1 conversation  2 epoch  3 ready id  4 message id  5 the event as JSON  6 this hub  7 origin's channel ('' for
--      none)  8 live channel  9 conversation ttl s  10 log length  11 log ttl s  12 transcript JSON  13 transcript
--      length  14 transcript ttl s  15 dead letter JSON ('' for none)  16 dead length  17 rated reply  18 rating JSON  19 status
--      ('' if it did not change)  20 now, s  21 '1': the events replace all that were there ('' to append them), then
--      four lists, each led by its length: events, log frames, replies to send, and alarms with the time when they go off
--      (ms since the epoch, '' for never)
-- Returns {'done', number of the first log frame, number of frames}, {'gone'} or {'fenced'}.
-- A repeated call answers gone, or fenced when the conversation has gone on.
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return {'fenced'} end
if redis.call('XDEL', KEYS[2], ARGV[4]) == 0 then return {'gone'} end

if ARGV[21] == '1' then
  redis.call('DEL', KEYS[4])
  -- Another life: events that somebody has in memory are not of it.
  redis.call('HSET', KEYS[1], 'born', ARGV[4])
end

local at = 22
local function list()
  local first, last = at + 1, at + tonumber(ARGV[at])
  at = last + 1
  return first, last
end

local first, last = list()
for i = first, last do redis.call('RPUSH', KEYS[4], ARGV[i]) end
redis.call('EXPIRE', KEYS[4], ARGV[9])

first, last = list()
local count, seq, frames = last - first + 1, 0, {}
if count > 0 then
  seq = redis.call('HINCRBY', KEYS[1], 'seq', count) - count + 1
  for i = first, last do
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[10], (seq + i - first) .. '-0', 'f', ARGV[i])
    frames[#frames + 1] = ARGV[i]
  end
  redis.call('EXPIRE', KEYS[5], ARGV[11])
end
redis.call('SET', KEYS[6], 'done:' .. seq .. ':' .. count, 'XX', 'KEEPTTL')

first, last = list()
for i = first, last do redis.call('XADD', KEYS[7], '*', 'r', ARGV[i]) end
if last >= first and redis.call('HEXISTS', KEYS[1], 'due') == 0 then
  redis.call('HSET', KEYS[1], 'due', redis.call('XADD', KEYS[8], '*', 'c', ARGV[1]))
end

first, last = list()
for i = first, last, 2 do
  if ARGV[i + 1] == '' then
    redis.call('ZREM', KEYS[13], ARGV[i])
  else
    redis.call('ZADD', KEYS[13], ARGV[i + 1], ARGV[i])
  end
end

redis.call('XADD', KEYS[9], 'MAXLEN', '~', ARGV[13], '*', 'j', ARGV[12])
if ARGV[15] ~= '' then redis.call('XADD', KEYS[10], 'MAXLEN', '~', ARGV[16], '*', 'j', ARGV[15]) end
if ARGV[17] ~= '' then
  redis.call('HSET', KEYS[11], ARGV[17], ARGV[18])
  redis.call('EXPIRE', KEYS[11], ARGV[14])
end

if ARGV[19] == 'handoff' then
  redis.call('ZADD', KEYS[12], 'NX', ARGV[20], ARGV[1])
elseif ARGV[19] ~= '' then
  redis.call('ZREM', KEYS[12], ARGV[1])
end

redis.call('XACK', KEYS[3], 'workers', ARGV[3])
redis.call('XDEL', KEYS[3], ARGV[3])
redis.call('HDEL', KEYS[1], 'tries', 'holder')
if redis.call('XLEN', KEYS[2]) > 0 then
  redis.call('HSET', KEYS[1], 'ready', redis.call('XADD', KEYS[3], '*', 'c', ARGV[1]))
else
  redis.call('HDEL', KEYS[1], 'ready')
  redis.call('DEL', KEYS[2])
  redis.call('EXPIRE', KEYS[1], ARGV[9])
end

local notice = '{"from":"' .. ARGV[6] .. '","seq":' .. seq .. ',"frames":[' .. table.concat(frames, ',')
  .. '],"done":' .. ARGV[5] .. '}'
redis.call('PUBLISH', ARGV[8], notice)
if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[7], notice) end
return {'done', seq, count}
