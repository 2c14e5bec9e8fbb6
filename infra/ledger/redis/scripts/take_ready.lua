-- Arguments: most jobs to look at, window (the most sent jobs of each type), ms in which a job rises by a class, then
-- (tenant, weight) for each tenant that has a weight. Returns {1 if there may be more, ms until a job is ready again or
-- -1, type, id, type, id, ...}, with one job of each type in turn.
local limit, window, ageing_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local AHEAD_S, SMALLEST_WINDOW = 2, 16
local weights = {}
for i = 5, #ARGV, 2 do weights[ARGV[i]] = tonumber(ARGV[i + 1]) end
local looked, due_in_ms, taken = 0, -1, {}

local function line_up_due(type)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('pending', type), '-inf', NOW_MS, 'LIMIT', 0, limit - looked)) do
    looked = looked + 1
    local job = load_from(key('pending', type), id)
    if job then line_up(job) end
  end
  local next_due = redis.call('ZRANGEBYSCORE', key('pending', type), NOW_MS, '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if next_due and (due_in_ms < 0 or next_due - NOW_MS < due_in_ms) then due_in_ms = next_due - NOW_MS end
end

-- A job on the queue cannot be overtaken. So if the speed of a type is known, its window is two seconds' work at most.
local function window_of(type)
  local jobs_per_s = per_s(pace_of(type), 'jobs')
  return jobs_per_s and math.min(window, math.max(SMALLEST_WINDOW, math.ceil(AHEAD_S * jobs_per_s))) or window
end

-- The foremost job of the class: that of the tenant that has had the least. A tenant that is next and has nothing to
-- wait for loses its turn only here, so that nobody gains by leaving and coming back.
local function head_of(type, class)
  local turns_key = key('turns', type, class)
  while true do
    local tenant, turn = unpack(redis.call('ZRANGE', turns_key, 0, 0, 'WITHSCORES'))
    if not tenant then return false end
    local job = first_in(key('line', type, class, tenant), type)
    if job then return {job = job, turn = turn} end
    drop_turn(turns_key, tenant)
  end
end

local function rank_of(head)
  return tonumber(head.job.class) - (NOW_MS - tonumber(head.job.since)) / ageing_ms
end

local function first_of(line)
  local first
  for _, class in ipairs(CLASSES) do
    if line.heads[class] == nil then line.heads[class] = head_of(line.type, class) end
    local head = line.heads[class]
    if head and (not first or rank_of(head) < rank_of(first)) then first = head end
  end
  return first
end

-- Charges the job to its tenant; returns by how much the tenant's turn grew.
local function charge(job, turn)
  redis.call('HSET', key('clock', job.type), job.class, turn)
  local share = string.format('%.17g', job.tokens / (weights[job.tenant] or 1))
  redis.call('ZINCRBY', key('turns', job.type, job.class), share, job.tenant)
  return share
end

-- Takes or ends the line's next job. Returns false if there is none, or no room for it.
local function take_one(line)
  if line.free <= 0 then
    local left = each_line(line.type, function() return true end)
    if left then redis.call('HSET', key('refill'), line.type, math.floor(line.window / 2)) end
    return false
  end
  local head = first_of(line)
  if not head then
    -- Nothing is ready or sent, so the count is set right, whatever became of it.
    if line.free == line.window then redis.call('HSET', key('load', line.type), 'waiting', 0) end
    return false
  end
  looked = looked + 1
  if end_if_over(head.job) then
    line.heads = {}
    return true
  end
  local share = charge(head.job, head.turn)
  -- The fraction keeps their order: a double has 4,096 places in a millisecond of today.
  move(head.job, 'sent', NOW_MS + #taken / 1000, 'share', share)
  line.heads[head.job.class] = nil
  line.free = line.free - 1
  taken[#taken + 1] = line.type
  taken[#taken + 1] = head.job.id
  return true
end

local lines = {}
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  if looked < limit then line_up_due(type) end
  if not paused(type) then
    local room = window_of(type)
    lines[#lines + 1] = {type = type, window = room, free = room - redis.call('ZCARD', key('sent', type)), heads = {}}
  end
end
redis.call('DEL', key('wake')) -- this call takes care of all jobs that were made ready so far
woken_ms = nil
while #lines > 0 and looked < limit do
  for i = #lines, 1, -1 do
    if not take_one(lines[i]) then table.remove(lines, i) end
  end
end
return {looked >= limit and 1 or 0, due_in_ms, unpack(taken)}
