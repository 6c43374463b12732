-- Keep the leases of entries that are still this consumer's.
-- KEYS 1 run queue    ARGV 1 group  2 consumer  3.. entry ids
-- Returns the ids that are no longer this consumer's.
local lost = {}
for i = 3, #ARGV do
  local entry = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)[1]
  if entry and entry[2] == ARGV[2] then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
