-- Which lists runs are in. The names of a run's lists are one string, with a blank between two of them.

-- The place of a run that is created now. It is later than every earlier place, whatever the clock does.
local function next_place()
  local now_us = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local place = string.format('%.0f', math.max(now_us, tonumber(redis.call('GET', key('placed')) or 0) + 1))
  redis.call('SET', key('placed'), place)
  return place
end

local function each_list(lists, see)
  for list in string.gmatch(lists, '%S+') do see(list) end
end

-- Puts a run that was in the lists `was` into `lists`.
local function relist(run_id, place, was, lists)
  if was == lists then return end
  local left = {}
  each_list(was, function(list) left[list] = true end)
  each_list(lists, function(list)
    if not left[list] then redis.call('ZADD', key('listed', list), place, run_id) end
    left[list] = nil
  end)
  for list in pairs(left) do redis.call('ZREM', key('listed', list), run_id) end
end

local function list_run(run_id, place, lists)
  redis.call('ZADD', key('listed'), place, run_id)
  relist(run_id, place, '', lists)
end

-- Has the run leave its lists when it is forgotten, which is in RETENTION_S seconds; or not, as it was taken up again.
local function forget_later(run_id, lists)
  redis.call('ZADD', key('forgotten'), NOW_MS + RETENTION_S * 1000, run_id .. ' ' .. lists)
end

local function keep_listed(run_id, lists)
  redis.call('ZREM', key('forgotten'), run_id .. ' ' .. lists)
end

-- Takes runs that are forgotten by now from their lists, `limit` at most. Returns how many there were.
local function unlist_forgotten(limit)
  local entries = redis.call('ZRANGEBYSCORE', key('forgotten'), '-inf', NOW_MS, 'LIMIT', 0, limit)
  for _, entry in ipairs(entries) do
    local run_id, lists = string.match(entry, '^(%S+) (.*)$')
    redis.call('ZREM', key('listed'), run_id)
    each_list(lists, function(list) redis.call('ZREM', key('listed', list), run_id) end)
    redis.call('ZREM', key('forgotten'), entry)
  end
  return #entries
end
