-- How jobs end, and what follows from it.

-- The JSON of an outcome that no worker committed. `about`: its fields beside those that say whose it is.
local function outcome_of(job, about)
  about.job_id, about.run_id, about.step_id, about.index = job.id, job.run, job.step, tonumber(job.index)
  about.attempt, about.round = job.attempt, tonumber(job.round or 0)
  return cjson.encode(about)
end

-- When a unique job has ended, the first of the jobs that wait for the same output does the work.
local function pass_on(job)
  if redis.call('GET', key('leader', job.reuse)) ~= job.id then return end
  local next_job = first_in(key('behind', job.reuse))
  if next_job then
    redis.call('SET', key('leader', job.reuse), next_job.id)
    line_up(next_job)
  else
    redis.call('DEL', key('leader', job.reuse))
  end
end

-- Ends the job. Its outcome is announced to the coordinators, unless its run has ended and waits for no outcome.
-- `cause`: why it is a dead letter; nil: it is none.
local function finish(job, state, outcome, announced, cause)
  move(job, state)
  redis.call('SREM', key('open', job.run), job.id)
  redis.call('SET', key('outcome', job.id), outcome, 'EX', RETENTION_S)
  redis.call('EXPIRE', key('state', job.id), RETENTION_S)
  redis.call('EXPIRE', key('job', job.id), RETENTION_S)
  if cause then redis.call('ZADD', key(cause, base_of(job.type)), NOW_MS, job.id) end
  if announced then redis.call('XADD', key('outcomes'), '*', 'outcome', outcome) end
  if job.unique then pass_on(job) end
end

local function finish_failed(job, state, message, announced, cause)
  local failure = {kind = state, message = message, retryable = false}
  finish(job, state, outcome_of(job, {state = state, failure = failure}), announced, cause)
end

local STOPS_KEPT_S = 60

local function stop(job)
  if job.state ~= 'running' then return end
  redis.call('RPUSH', key('stops', job.worker), job.token)
  redis.call('EXPIRE', key('stops', job.worker), STOPS_KEPT_S)
end

-- Ends the job as cancelled, and tells the worker that runs it.
local function cancel(job, message, announced)
  stop(job)
  finish_failed(job, 'cancelled', message, announced)
end

-- Ends a job that must not be run (again), and says how it ended; nil if it may be run.
local function end_if_over(job)
  if run_ended(job.run) then
    cancel(job, 'its run has ended', false)
    return 'cancelled'
  end
  if job.deadline and job.deadline <= NOW_MS then
    finish_failed(job, 'expired', 'its deadline passed before an answer', true)
    return 'expired'
  end
  if job.claim_by and job.claim_by <= NOW_MS then
    finish_failed(job, 'expired', 'it was not claimed in time', true)
    return 'expired'
  end
  if job.attempt >= job.attempts then
    local message = 'attempt ' .. job.attempt .. ' of ' .. job.attempts .. ' ended without an outcome'
    finish_failed(job, 'dead', message, true, 'poison')
    return 'dead'
  end
  return nil
end
