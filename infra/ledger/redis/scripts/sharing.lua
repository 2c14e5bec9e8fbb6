-- How one job's output answers others that ask the same.

-- Ends the job with the output of another job that asked the same; `source` is a key like kept:K.
local function finish_same(job, source)
  local maker, answer = unpack(redis.call('HMGET', source, 'job', 'answer'))
  local own = outcome_of(job, {state = 'succeeded', same_as = maker})
  finish(job, 'succeeded', string.sub(own, 1, -2) .. ',' .. answer, not run_ended(job.run))
end

-- Keeps the job's output for jobs that ask the same later. Returns 1 if jobs wait for it now: `settle` answers them.
local function share(job, token, answer)
  local function put(at) redis.call('HSET', at, 'job', job.id, 'reuse', job.reuse, 'answer', answer) end
  if job.cache_s then
    put(key('kept', job.reuse))
    redis.call('EXPIRE', key('kept', job.reuse), job.cache_s)
  end
  local behind = key('behind', job.reuse)
  if redis.call('GET', key('leader', job.reuse)) ~= job.id or redis.call('EXISTS', behind) == 0 then return 0 end
  redis.call('RENAME', behind, key('answered', token))
  put(key('answer', token))
  return redis.call('SADD', key('settling'), token)
end
