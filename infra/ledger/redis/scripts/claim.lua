-- Arguments: worker, lease in ms, schemas that the worker has for the jobs' type or '', then (job id, token of its claim)
-- for each job. Returns for each {reason} for a refusal, or {'claimed', what job:J holds, attempt, wait in ms, leases
-- lost, each large value of the input}.
local worker, lease_ms, schemas = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local together = #ARGV > 6
local mark = together and {'bundle', 1} or {}

local function large_values(job, text)
  local shas = {}
  if string.sub(text, 1, 1) ~= '[' then return shas end
  local names = cjson.decode(string.match(text, '^[^\n]+'))
  for i = 2, #names, 2 do shas[#shas + 1] = names[i] end
  return redis.call('HMGET', key('payloads', job.run), unpack(shas))
end

-- Returns what job:J holds, and the large values that belong to it; nil if not all of it is kept any more.
local function read_input(job)
  local text = redis.call('GET', key('job', job.id))
  local values = text and large_values(job, text) or {false}
  for _, value in ipairs(values) do
    if not value then return nil end
  end
  return {text = text, values = values}
end

local function granted(job, attempt, input)
  local waited, lost = math.max(0, tonumber(job.waited)), tonumber(job.lost or 0)
  return {'claimed', input.text, attempt, waited, lost, unpack(input.values)}
end

local function note_passed(job)
  if job.state == 'sent' then
    redis.call('HSET', key('passed'), job.type, redis.call('ZSCORE', key('sent', job.type), job.id) .. ' ' .. NOW_MS)
  end
end

local function claim(id, token)
  local job = load_job(id)
  if not job then return {'unknown'} end
  if ENDED[job.state] then return {'ended'} end

  if job.state == 'running' then
    local answered = job.token == token and read_input(job) -- a repeat whose first answer was lost
    if answered then return granted(job, job.attempt, answered) end
    if tonumber(redis.call('ZSCORE', key('running', job.type), job.id)) > NOW_MS then return {'running'} end
  end
  -- This message is old: a job that is to be alone has, or gets from a sweep, a message of its own.
  if together and (job.state == 'running' or goes_alone(job)) then return {'alone'} end
  if job.state == 'running' then note_lost(job) end
  local over = end_if_over(job)
  if over then return {over == 'cancelled' and 'ended' or over} end
  if job.state == 'pending' then return {'paused'} end -- an old message: the job is put on the queue when its time comes
  if paused(job.type) then
    if job.state ~= 'ready' then put_back(job, job.since) end
    return {'paused'}
  end

  if job.schemas and schemas ~= '' and job.schemas ~= schemas then
    note_passed(job)
    stray(job)
    return {'other_schemas'}
  end

  local input = read_input(job)
  if not input then -- nobody can do the job
    cancel(job, 'its input is not kept any more', true)
    return {'unknown'}
  end

  note_passed(job)
  job.waited = NOW_MS - tonumber(job.since)
  move(job, 'running', NOW_MS + lease_ms, 'attempt', job.attempt + 1, 'token', token, 'worker', worker,
    'waited', job.waited, 'resends', 0, unpack(mark))
  if job.bundle and not together then redis.call('HDEL', key('state', job.id), 'bundle') end
  if job.claim_by then redis.call('HDEL', key('state', job.id), 'claim_by') end
  return granted(job, job.attempt + 1, input)
end

local answers = {}
for i = 5, #ARGV, 2 do answers[#answers + 1] = claim(ARGV[i], ARGV[i + 1]) end
return answers
