-- Token bucket as a virtual schedule (GCRA): one key holds when the bucket would be full again.
-- KEYS 1 bucket    ARGV 1 microseconds per token  2 burst
-- Returns 0 when a token was taken, else the milliseconds until there is one.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + step
local wait = full - now - step * burst
if wait > 0 then return math.ceil(wait / 1000) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return 0
