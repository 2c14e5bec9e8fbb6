-- Arguments: job id, worker, lease in ms, token of this claim, schemas that the worker has for the job's type or ''.
-- Returns {reason} for a refusal, or {'claimed', what job:J holds, attempt, wait in ms, leases lost, each large value
-- of the input}.
local worker, lease_ms, token = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local job = load_job(ARGV[2])
if not job then return {'unknown'} end
if ENDED[job.state] then return {'ended'} end

local function large_values(text)
  local shas = {}
  if string.sub(text, 1, 1) ~= '[' then return shas end
  local names = cjson.decode(string.match(text, '^[^\n]+'))
  for i = 2, #names, 2 do shas[#shas + 1] = names[i] end
  return redis.call('HMGET', key('payloads', job.run), unpack(shas))
end

-- Returns what job:J holds, and the large values that belong to it; nil if not all of it is kept any more.
local function read_input()
  local text = redis.call('GET', key('job', job.id))
  local values = text and large_values(text) or {false}
  for _, value in ipairs(values) do
    if not value then return nil end
  end
  return {text = text, values = values}
end

local function granted(attempt, input)
  local waited, lost = math.max(0, tonumber(job.waited)), tonumber(job.lost or 0)
  return {'claimed', input.text, attempt, waited, lost, unpack(input.values)}
end

if job.state == 'running' then
  local answered = job.token == token and read_input() -- a repeat whose first answer was lost
  if answered then return granted(job.attempt, answered) end
  if tonumber(redis.call('ZSCORE', key('running', job.type), job.id)) > NOW_MS then return {'running'} end
end
local over = end_if_over(job)
if over then return {over == 'cancelled' and 'ended' or over} end
if job.state == 'pending' then return {'paused'} end -- an old message: the job is put on the queue when its time comes
if job.state == 'running' then job.lost = redis.call('HINCRBY', key('state', job.id), 'lost', 1) end
if paused(job.type) then
  if job.state ~= 'ready' then put_back(job, job.since) end
  return {'paused'}
end

local function note_passed()
  if job.state == 'sent' then
    redis.call('HSET', key('passed'), job.type, redis.call('ZSCORE', key('sent', job.type), job.id) .. ' ' .. NOW_MS)
  end
end

if job.schemas and (ARGV[6] or '') ~= '' and job.schemas ~= ARGV[6] then
  note_passed()
  stray(job)
  return {'other_schemas'}
end

local input = read_input()
if not input then -- nobody can do the job
  cancel(job, 'its input is not kept any more', true)
  return {'unknown'}
end

note_passed()
job.waited = NOW_MS - tonumber(job.since)
move(job, 'running', NOW_MS + lease_ms, 'attempt', job.attempt + 1, 'token', token, 'worker', worker,
  'waited', job.waited, 'resends', 0)
if job.claim_by then redis.call('HDEL', key('state', job.id), 'claim_by') end
return granted(job.attempt + 1, input)
