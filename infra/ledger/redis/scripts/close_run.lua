-- Arguments: id of a run that has ended, most jobs to cancel. Returns how many of its jobs are still open.
local run_id = ARGV[2]
if not run_ended(run_id) then -- it was reopened
  redis.call('SREM', key('closing'), run_id)
  return 0
end
for _, id in ipairs(redis.call('SPOP', key('open', run_id), ARGV[3])) do
  local job = load_job(id)
  if job and not ENDED[job.state] then cancel(job, 'its run has ended', false) end
end
local left = redis.call('SCARD', key('open', run_id))
if left == 0 then redis.call('SREM', key('closing'), run_id) end
return left
