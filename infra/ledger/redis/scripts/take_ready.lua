-- Arguments: most jobs to look at, window (the most sent jobs of each type), ms in which a job rises by a class, count of
-- the types whose jobs may be bundled, (type, number of its workers) for each, then (tenant, weight) for each tenant that
-- has a weight. Returns {1 if there may be more, ms until a job is ready again or -1, {type, id, id, ...}, ...}: one
-- message for each list, with one job of each type in turn, as long as the messages hold one job.
local limit, window, ageing_ms = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local AHEAD_S, SMALLEST_WINDOW = 2, 16
-- A bundle is this much work of one worker. More jobs than LARGEST_BUNDLE would hold up Redis, and save nothing more.
local BUNDLE_S = 0.1
local LARGEST_BUNDLE = 64
local workers, weights = {}, {}
local weights_at = 6 + 2 * tonumber(ARGV[5])
for i = 6, weights_at - 1, 2 do workers[ARGV[i]] = tonumber(ARGV[i + 1]) end
for i = weights_at, #ARGV, 2 do weights[ARGV[i]] = tonumber(ARGV[i + 1]) end
local looked, due_in_ms, taken, messages = 0, -1, 0, {}

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
local function window_of(pace)
  local jobs_per_s = per_s(pace, 'jobs')
  return jobs_per_s and math.min(window, math.max(SMALLEST_WINDOW, math.ceil(AHEAD_S * jobs_per_s))) or window
end

-- The most tokens and the most jobs of one message. Several workers share what is ready.
local function bundle_of(type, pace)
  local hands, tokens_per_s = workers[base_of(type)], per_s(pace, 'tokens')
  if not hands or not tokens_per_s then return 0, 1 end
  local ready = 0
  each_line(type, function(_, _, count) ready = ready + count end)
  return BUNDLE_S * tokens_per_s / hands, math.min(LARGEST_BUNDLE, math.ceil(ready / hands))
end

local function line_of(type)
  local pace = pace_of(type)
  local room = window_of(pace)
  local tokens, jobs = bundle_of(type, pace)
  return {
    type = type, window = room, free = room - redis.call('ZCARD', key('sent', type)), heads = {},
    most_tokens = tokens, most_jobs = jobs,
  }
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

-- Adds the job to the line's last message, or to a new one.
local function send(line, job)
  local bundle, tokens = line.bundle, (line.tokens or 0) + job.tokens
  local alone = goes_alone(job)
  if bundle and not alone and #bundle <= line.most_jobs and tokens <= line.most_tokens then
    line.tokens = tokens
  else
    bundle = {line.type}
    messages[#messages + 1] = bundle
    if not alone then line.bundle, line.tokens = bundle, job.tokens end
  end
  bundle[#bundle + 1] = job.id
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
  move(head.job, 'sent', NOW_MS + taken / 1000, 'share', share)
  line.heads[head.job.class] = nil
  line.free = line.free - 1
  taken = taken + 1
  send(line, head.job)
  return true
end

local lines = {}
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  if looked < limit then line_up_due(type) end
  if not paused(type) then lines[#lines + 1] = line_of(type) end
end
redis.call('DEL', key('wake')) -- this call takes care of all jobs that were made ready so far
woken_ms = nil
while #lines > 0 and looked < limit do
  for i = #lines, 1, -1 do
    if not take_one(lines[i]) then table.remove(lines, i) end
  end
end
return {looked >= limit and 1 or 0, due_in_ms, unpack(messages)}
