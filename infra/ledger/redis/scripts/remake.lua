-- Arguments: id of a run that was reopened, most jobs to make anew. Returns how many are left.
local run_id = ARGV[2]
local reopened = key('reopened', run_id)
if run_ended(run_id) then redis.call('DEL', reopened) end
for _, text in ipairs(redis.call('LPOP', reopened, ARGV[3]) or {}) do make_job(text) end
local left = redis.call('LLEN', reopened)
if left == 0 then redis.call('SREM', key('reopening'), run_id) end
return left
