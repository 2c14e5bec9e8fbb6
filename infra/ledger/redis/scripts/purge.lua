-- Arguments: job ids. Returns how many of them were dead letters.
local purged = 0
for i = 2, #ARGV do
  local job = load_job(ARGV[i])
  if job and take_from_dead(job) then
    local run_state = redis.call('HGET', key('run', job.run), 'state')
    if run_state and not is_end(run_state) then
      redis.call('DEL', key('job', job.id), key('outcome', job.id)) -- its state stays, so that it is not made anew
    else
      forget(job)
    end
    purged = purged + 1
  end
end
return purged
