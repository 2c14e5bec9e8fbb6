-- Arguments: job id, token, state, outcome, 1 if the failure may be tried again. Returns 1 if accepted.
local token = ARGV[3]
local job = load_job(ARGV[2])
if not job then return 0 end
if job.committed == token then return 1 end -- a repeat whose first answer was lost
if job.state ~= 'running' or job.token ~= token then return 0 end
if run_ended(job.run) then
  end_if_over(job)
  return 0
end

redis.call('HSET', key('state', job.id), 'committed', token)
local in_time = not job.deadline or job.deadline > NOW_MS
if ARGV[6] == '1' and job.attempt < job.attempts and in_time then
  leave(job)
  redis.call('HSET', key('state', job.id), 'state', 'ready', 'since', NOW_MS)
  line_up(job)
  wake()
else
  finish(job, ARGV[4], ARGV[5], true)
end
return 1
