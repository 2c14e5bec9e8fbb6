-- Arguments: run id, its version, nonce of the reopening, then jobs as `make_jobs` takes them. Puts the jobs aside
-- until `reopen`; they vanish if it does not come. Returns 0 if the run cannot be reopened.
local run_id, staged = ARGV[2], key('staged', ARGV[2], ARGV[4])
local STAGED_KEPT_S = 3600
local run = redis.call('HMGET', key('run', run_id), 'version', 'state')
if run[1] ~= ARGV[3] or run[2] == 'running' then return 0 end
local jobs_at = 6 + 3 * tonumber(ARGV[5])
for i = 6, jobs_at - 1, 3 do redis.call('HSETNX', key('payloads', run_id), ARGV[i + 1], ARGV[i + 2]) end
if is_end(run[2]) then redis.call('EXPIRE', key('payloads', run_id), RETENTION_S) end
for i = jobs_at, #ARGV do redis.call('RPUSH', staged, ARGV[i]) end
redis.call('EXPIRE', staged, STAGED_KEPT_S)
return 1
