-- Arguments: run id, expected version, nonce of this save, state, lists, record, ms until which an unsure run waits or
-- '', counts of results, events and acks, then (step, index, output) for each result, the events, and the acks' entry ids.
-- Returns {1 if saved, 1 if open jobs are left to cancel}.
local run_id, version, nonce, state = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local lists, results, events, acks = ARGV[6], tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local events_at = 12 + 3 * results

local function acknowledge()
  for i = events_at + events, events_at + events + acks - 1 do
    redis.call('XACK', key('outcomes'), 'coordinator', ARGV[i])
    redis.call('XDEL', key('outcomes'), ARGV[i])
  end
end

local run = redis.call('HMGET', key('run', run_id), 'version', 'state', 'saved', 'place', 'lists')
if not run[1] then return {0, 0} end
local closing = redis.call('SISMEMBER', key('closing'), run_id)
if run[3] == nonce then return {1, closing} end -- a repeat whose first answer was lost
if is_end(run[2]) then
  acknowledge()
  return {0, 0}
end
if run[1] ~= version then return {0, 0} end

redis.call('HSET', key('run', run_id), 'record', ARGV[7], 'version', version + 1, 'state', state, 'saved', nonce,
  'lists', lists)
if run[4] then relist(run_id, run[4], run[5], lists) end
for i = 12, events_at - 1, 3 do
  redis.call('HSET', key('results', run_id, ARGV[i]), ARGV[i + 1], ARGV[i + 2])
  redis.call('SADD', key('steps', run_id), ARGV[i])
end
append_events(run_id, events_at, events)
acknowledge()
if state == 'unsure' or run[2] == 'unsure' then note_wait(run_id, state, ARGV[8]) end
if not is_end(state) then return {1, 0} end

expire_run(run_id, lists)
-- From here on every script sees that the run has ended; its open jobs are cancelled in pieces by close_run.
return {1, redis.call('EXISTS', key('open', run_id)) == 1 and redis.call('SADD', key('closing'), run_id) or 0}
