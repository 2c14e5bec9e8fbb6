-- Arguments: run id, its version, nonce of the reopening, then jobs as `make_jobs` takes them. Puts them aside until
-- `reopen`; they vanish if it does not come. Returns 0 if it must not come.
local run_id, staged = ARGV[2], key('staged', ARGV[2], ARGV[4])
local STAGED_KEPT_S = 3600
local version = redis.call('HGET', key('run', run_id), 'version')
if version ~= ARGV[3] or not run_ended(run_id) then return 0 end
local jobs_at = 6 + 3 * tonumber(ARGV[5])
for i = 6, jobs_at - 1, 3 do redis.call('HSETNX', key('payloads', run_id), ARGV[i + 1], ARGV[i + 2]) end
redis.call('EXPIRE', key('payloads', run_id), RETENTION_S)
for i = jobs_at, #ARGV do redis.call('RPUSH', staged, ARGV[i]) end
redis.call('EXPIRE', staged, STAGED_KEPT_S)
return 1
