-- Arguments: job id, worker, lease in ms, token of this claim.
-- Returns {'claimed', job, attempt, wait in ms} or {why not}.
local worker, lease_ms, token = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local job = load_job(ARGV[2])
if not job then return {'unknown'} end
if ENDED[job.state] then return {'ended'} end

local function granted(attempt)
  return {'claimed', redis.call('GET', key('job', job.id)), attempt, math.max(0, tonumber(job.waited))}
end

if job.state == 'running' then
  if job.token == token then return granted(job.attempt) end -- a repeat whose first answer was lost
  if tonumber(redis.call('ZSCORE', key('running', job.type), job.id)) > NOW_MS then return {'running'} end
end
local over = end_if_over(job)
if over then return {over == 'cancelled' and 'ended' or over} end

if job.state == 'sent' then
  redis.call('HSET', key('passed'), job.type, redis.call('ZSCORE', key('sent', job.type), job.id) .. ' ' .. NOW_MS)
end
leave(job)
job.waited = NOW_MS - tonumber(job.since)
redis.call('HSET', key('state', job.id), 'state', 'running', 'attempt', job.attempt + 1, 'token', token,
  'worker', worker, 'waited', job.waited, 'resends', 0)
redis.call('ZADD', key('running', job.type), NOW_MS + lease_ms, job.id)
return granted(job.attempt + 1)
