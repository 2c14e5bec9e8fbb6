-- How jobs are forgotten before their time.

local CAUSES = {'poison', 'failed', 'unprocessable'}

-- Takes the job from the dead letters. Returns whether it was one.
local function take_from_dead(job)
  local taken = 0
  for _, cause in ipairs(CAUSES) do taken = taken + redis.call('ZREM', key(cause, base_of(job.type)), job.id) end
  return taken > 0
end

local function forget(job)
  redis.call('DEL', key('state', job.id), key('job', job.id), key('outcome', job.id))
end

-- Forgets a job of an earlier round of its run, wherever it is.
local function drop(job)
  if ENDED[job.state] then
    take_from_dead(job)
  else
    stop(job)
    move(job, 'dropped')
    if job.unique then pass_on(job) end
  end
  forget(job)
end
