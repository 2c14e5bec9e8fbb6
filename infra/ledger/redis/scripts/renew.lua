-- Arguments: lease in ms, then (job id, token) for each claim. Returns the ids of jobs that are not held any more.
local lease_ms, lost = tonumber(ARGV[2]), {}
for i = 3, #ARGV, 2 do
  local job = load_job(ARGV[i])
  if job and job.state == 'running' and job.token == ARGV[i + 1] and not run_ended(job.run) then
    redis.call('ZADD', key('running', job.type), 'XX', NOW_MS + lease_ms, job.id)
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
