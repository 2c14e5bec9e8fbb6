-- Arguments: job id, token. Returns 1 if the job is ready again.
local job = load_job(ARGV[2])
if not job then return 0 end
if job.handed == ARGV[3] then return 1 end -- a repeat whose first answer was lost
if job.state ~= 'running' or job.token ~= ARGV[3] then return 0 end
if run_ended(job.run) then
  end_if_over(job)
  return 0
end
put_back(job, NOW_MS)
redis.call('HSET', key('state', job.id), 'attempt', job.attempt - 1, 'handed', job.token)
return 1
