-- Arguments: job types; without any, all types that ever had a job. Returns for each {type, pending, ready, sent,
-- running, the dead letters by cause, ms that the oldest job has waited to be claimed}.
-- Sent jobs are looked at one by one, because jobs that were sent again are marked as sent in the future: their order
-- says nothing of their age. A type has no more of them than its window.
local function since(id)
  return tonumber(redis.call('HGET', key('state', id), 'since') or NOW_MS)
end

-- Returns how many jobs are ready, and since when the oldest of the foremost jobs is.
local function ready_of(type)
  local ready, oldest = 0, NOW_MS
  each_line(type, function(_, _, count, line)
    ready = ready + count
    oldest = math.min(oldest, since(redis.call('ZRANGE', line, 0, 0)[1]))
  end)
  return ready, oldest
end

local function depths_of(type)
  local ready, oldest = ready_of(type)
  for _, id in ipairs(redis.call('ZRANGE', key('sent', type), 0, -1)) do oldest = math.min(oldest, since(id)) end
  local depths = {type, redis.call('ZCARD', key('pending', type)), ready}
  for _, where in ipairs({'sent', 'running', unpack(CAUSES)}) do
    depths[#depths + 1] = redis.call('ZCARD', key(where, type))
  end
  depths[#depths + 1] = NOW_MS - oldest
  return depths
end

local asked = {}
for i = 2, #ARGV do asked[ARGV[i]] = true end

local all = {}
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  if #ARGV == 1 or asked[type] then all[#all + 1] = depths_of(type) end
end
return all
