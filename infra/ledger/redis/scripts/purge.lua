-- Arguments: job ids. Returns how many dead letters there were among them.
local purged = 0
for i = 2, #ARGV do
  local job = load_job(ARGV[i])
  if job and take_from_dead(job) then
    local run_state = redis.call('HGET', key('run', job.run), 'state')
    if run_state and not is_end(run_state) then
      redis.call('DEL', key('job', job.id), key('outcome', job.id)) -- what is left says that it is not to be made anew
    else
      forget(job)
    end
    purged = purged + 1
  end
end
return purged
