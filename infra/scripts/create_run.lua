-- Arguments: run id, record, count of events, the events, then jobs as `release_jobs` takes them.
local run_id = ARGV[2]
if redis.call('EXISTS', key('run', run_id)) == 1 then return 0 end
redis.call('HSET', key('run', run_id), 'record', ARGV[3], 'version', 0, 'state', 'running', 'saved', '')
redis.call('LPUSH', key('runs'), run_id)
redis.call('LTRIM', key('runs'), 0, RUNS_KEPT - 1)
release_jobs(append_events(run_id, 5, tonumber(ARGV[4])))
return 1
