-- Arguments: run id, record, its state, ms until which an unsure run waits or '', idempotency key or '', what the key
-- is used for, seconds to keep the key, count of events, the events, then jobs as `make_jobs` takes them. If the key
-- was used before, nothing is stored, and the script returns what it was used for.
local run_id, state, asked = ARGV[2], ARGV[4], ARGV[6] ~= '' and key('asked', ARGV[6])
local RUNS_KEPT = 10000
if redis.call('EXISTS', key('run', run_id)) == 1 then return nil end -- a repeat whose first answer was lost
if asked then
  local prior = redis.call('GET', asked)
  if prior then return prior end
  redis.call('SET', asked, ARGV[7], 'EX', ARGV[8])
end
redis.call('HSET', key('run', run_id), 'record', ARGV[3], 'version', 0, 'state', state, 'saved', '')
redis.call('LPUSH', key('runs'), run_id)
redis.call('LTRIM', key('runs'), 0, RUNS_KEPT - 1)
make_jobs(append_events(run_id, 10, tonumber(ARGV[9])))
if state == 'unsure' then note_wait(run_id, state, ARGV[5]) end
if is_end(state) then expire_run(run_id) end
return nil
