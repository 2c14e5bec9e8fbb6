-- Arguments: run id, record, its state, its lists, ms until which an unsure run waits or '', idempotency key or '', what
-- the key is used for, seconds to keep the key, count of events, the events, then jobs as `make_jobs` takes them. If the
-- key was used before, nothing is stored, and the script returns what it was used for.
local run_id, state, lists, asked = ARGV[2], ARGV[4], ARGV[5], ARGV[7] ~= '' and key('asked', ARGV[7])
if redis.call('EXISTS', key('run', run_id)) == 1 then return nil end -- a repeat whose first answer was lost
if asked then
  local prior = redis.call('GET', asked)
  if prior then return prior end
  redis.call('SET', asked, ARGV[8], 'EX', ARGV[9])
end
local place = next_place()
redis.call('HSET', key('run', run_id), 'record', ARGV[3], 'version', 0, 'state', state, 'saved', '',
  'place', place, 'lists', lists)
list_run(run_id, place, lists)
make_jobs(append_events(run_id, 11, tonumber(ARGV[10])))
if state == 'unsure' then note_wait(run_id, state, ARGV[6]) end
if is_end(state) then expire_run(run_id, lists) end
return nil
