-- What it means for a job that its worker was lost.

-- Whether the job has a message of its own. It does if a claim of it was lost, if one lost claim more would be too many,
-- or if its input is large.
local function goes_alone(job)
  return job.alone or job.attempts == 1 or tonumber(job.lost or 0) > 0
end

-- Notes that the lease of a running job ran out. A claim of several jobs at once does not count as an attempt, because
-- any one of them may have killed the worker. From then on each of them is claimed alone, and that shows which one.
local function note_lost(job)
  if not job.bundle then
    job.lost = redis.call('HINCRBY', key('state', job.id), 'lost', 1)
    return
  end
  job.attempt, job.alone, job.bundle = job.attempt - 1, '1', nil
  redis.call('HSET', key('state', job.id), 'attempt', job.attempt, 'alone', 1)
  redis.call('HDEL', key('state', job.id), 'bundle')
end
