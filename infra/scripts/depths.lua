-- [job type]*: by default all that ever had a job. Returns {type, ready, sent, running, dead, ms that the oldest job waits to be claimed, type, ...}.
-- Sent jobs are looked at one by one: those sent again are marked as sent in the future, so that their order says
-- nothing of their age. There are no more of a type than its window.
local function since(id)
  return tonumber(redis.call('HGET', key('state', id), 'since') or NOW_MS)
end

local asked = {}
for i = 2, #ARGV do asked[ARGV[i]] = true end

local depths = {}
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  if #ARGV == 1 or asked[type] then
    local oldest = NOW_MS
    for _, id in ipairs(redis.call('ZRANGE', key('ready', type), 0, 0)) do oldest = math.min(oldest, since(id)) end
    for _, id in ipairs(redis.call('ZRANGE', key('sent', type), 0, -1)) do oldest = math.min(oldest, since(id)) end
    depths[#depths + 1] = type
    for _, state in ipairs({'ready', 'sent', 'running', 'dead'}) do
      depths[#depths + 1] = redis.call('ZCARD', key(state, type))
    end
    depths[#depths + 1] = NOW_MS - oldest
  end
end
return depths
