-- Forget consumers that have been silent for long and hold nothing.
-- KEYS 1 run queue    ARGV 1 group  2 silent for so many ms
-- Returns how many. A repeated call finds them gone.
local swept = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local of = {}
  for i = 1, #consumer, 2 do of[consumer[i]] = consumer[i + 1] end
  if of.pending == 0 and of.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], of.name)
    swept = swept + 1
  end
end
return swept
