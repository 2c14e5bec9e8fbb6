-- Arguments: window (of sent jobs, each type's), most to take. Returns {1 if there may be more, type, id, type, id, ...}:
-- one of each type in turn, oldest first.
local window, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local room, taken = {}, {0}
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  room[#room + 1] = {type = type, free = window - redis.call('ZCARD', key('sent', type))}
end

local looked = 0
while #room > 0 and looked < limit do
  for i = #room, 1, -1 do
    local line = room[i]
    local first = line.free > 0 and redis.call('ZPOPMIN', key('ready', line.type)) or {}
    local job = first[1] and load_job(first[1])
    if not first[1] then
      if line.free <= 0 and redis.call('EXISTS', key('ready', line.type)) == 1 then
        redis.call('HSET', key('refill'), line.type, math.floor(window / 2))
      end
      table.remove(room, i)
    elseif job and not end_if_over(job) then
      mark_sent(job, NOW_MS + #taken / 1000) -- in their order; a double has 4,096 places in a millisecond of today
      line.free = line.free - 1
      taken[#taken + 1] = line.type
      taken[#taken + 1] = job.id
    end
    looked = looked + 1
  end
end
if looked >= limit then taken[1] = 1 end
return taken
