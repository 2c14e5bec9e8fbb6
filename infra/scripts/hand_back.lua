-- Arguments: job id, token. Returns 1 if it is ready again.
local job = load_job(ARGV[2])
if not job or job.state ~= 'running' or job.token ~= ARGV[3] then return 0 end
if run_ended(job.run) then
  end_if_over(job)
  return 0
end
put_back(job, NOW_MS)
redis.call('HINCRBY', key('state', job.id), 'attempt', -1)
return 1
