-- Arguments: run id, its version, nonce of this reopening, record, lists, count of steps whose results are forgotten,
-- count of events, the steps, the events. Afterwards `remake` makes the staged jobs anew, in pieces. Returns 1 if saved.
local run_id, version, nonce = ARGV[2], ARGV[3], ARGV[4]
local lists, forgotten, events = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local reopened = key('reopened', run_id)

local run = redis.call('HMGET', key('run', run_id), 'version', 'state', 'saved', 'place', 'lists')
if run[3] == nonce then return 1 end -- a repeat whose first answer was lost
if run[1] ~= version or run[2] == 'running' then return 0 end

redis.call('HSET', key('run', run_id), 'record', ARGV[5], 'version', version + 1, 'state', 'running', 'saved', nonce,
  'lists', lists)
if run[4] then
  keep_listed(run_id, run[5])
  relist(run_id, run[4], run[5], lists)
end
note_wait(run_id, 'running', '')
for i = 9, 8 + forgotten do
  redis.call('UNLINK', key('results', run_id, ARGV[i]))
  redis.call('SREM', key('steps', run_id), ARGV[i])
end
for _, step in ipairs(redis.call('SMEMBERS', key('steps', run_id))) do
  redis.call('PERSIST', key('results', run_id, step))
end
for _, kind in ipairs({'run', 'events', 'steps', 'payloads'}) do
  redis.call('PERSIST', key(kind, run_id))
end
redis.call('DEL', reopened)
if redis.call('EXISTS', key('staged', run_id, nonce)) == 1 then
  redis.call('RENAME', key('staged', run_id, nonce), reopened)
  redis.call('PERSIST', reopened)
  redis.call('SADD', key('reopening'), run_id)
end
append_events(run_id, 9 + forgotten, events)
return 1
