-- Arguments: for each outcome its job's id, token, state, outcome, ms after which a failure is tried again or '', cause of
-- a dead letter or '', digest of the specialist or '', and the byte at which the shared part of the outcome begins: the
-- part that answers all jobs that ask the same. Returns for each 1 if it was accepted, and 1 if other jobs wait for the
-- answer.
local done = {}

local function commit(id, token, state, outcome, retry_ms, cause, digest, shared_at)
  local job = load_job(id)
  if not job then return 0, 0 end
  if job.committed == token then -- a repeat whose first answer was lost
    return 1, redis.call('SISMEMBER', key('settling'), token)
  end
  if job.state ~= 'running' or job.token ~= token then return 0, 0 end
  if run_ended(job.run) then
    end_if_over(job)
    return 0, 0
  end

  redis.call('HSET', key('state', job.id), 'committed', token)
  local in_time = not job.deadline or job.deadline > NOW_MS + (retry_ms or 0)
  if retry_ms and job.attempt < job.attempts and in_time then
    if retry_ms == 0 then
      line_up(job)
    else
      move(job, 'pending', NOW_MS + retry_ms)
      wake(retry_ms)
    end
    return 1, 0
  end
  local settling = 0
  if state == 'succeeded' and job.digest and job.digest == digest then
    settling = share(job, token, string.sub(outcome, shared_at))
  end
  finish(job, state, outcome, true, cause)
  done[#done + 1] = job
  return 1, settling
end

local answers = {}
for i = 2, #ARGV, 8 do
  local accepted, settling = commit(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4]),
    ARGV[i + 5] ~= '' and ARGV[i + 5] or nil, ARGV[i + 6], tonumber(ARGV[i + 7]))
  answers[#answers + 1] = accepted
  answers[#answers + 1] = settling
end
count_done(done)
return answers
