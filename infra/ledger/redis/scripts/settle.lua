-- Arguments: token of a commit whose answer other jobs wait for, most jobs to answer. Returns how many jobs are left.
local token = ARGV[2]
local answered, answer = key('answered', token), key('answer', token)
local reuse = redis.call('HGET', answer, 'reuse')
for i, id in ipairs(redis.call('ZPOPMIN', answered, ARGV[3])) do
  local job = i % 2 == 1 and load_job(id)
  if job and job.state == 'pending' and job.reuse == reuse then finish_same(job, answer) end
end
local left = redis.call('ZCARD', answered)
if left == 0 then
  redis.call('DEL', answer)
  redis.call('SREM', key('settling'), token)
end
return left
