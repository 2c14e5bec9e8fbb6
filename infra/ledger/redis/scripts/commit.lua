-- Arguments: job id, token, state, outcome, ms after which a failure is tried again or '', cause of a dead letter or
-- '', digest of the specialist or '', and the byte at which the shared part of the outcome begins: the part that
-- answers all jobs that ask the same. Returns {1 if accepted, 1 if other jobs wait for the answer}.
local token, retry_ms, cause = ARGV[3], tonumber(ARGV[6]), ARGV[7] ~= '' and ARGV[7] or nil
local job = load_job(ARGV[2])
if not job then return {0, 0} end
if job.committed == token then -- a repeat whose first answer was lost
  return {1, redis.call('SISMEMBER', key('settling'), token)}
end
if job.state ~= 'running' or job.token ~= token then return {0, 0} end
if run_ended(job.run) then
  end_if_over(job)
  return {0, 0}
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
  return {1, 0}
end
local settling = 0
if ARGV[4] == 'succeeded' and job.digest and job.digest == ARGV[8] then
  settling = share(job, token, string.sub(ARGV[5], tonumber(ARGV[9])))
end
finish(job, ARGV[4], ARGV[5], true, cause)
count_done(job)
return {1, settling}
