-- Arguments: run id, its version, nonce of this reopening, record, count of steps whose results are forgotten, count of
-- events, the steps, the events. Afterwards `remake` makes the staged jobs anew, in pieces. Returns 1 if saved.
local run_id, version, nonce = ARGV[2], ARGV[3], ARGV[4]
local forgotten, events = tonumber(ARGV[6]), tonumber(ARGV[7])
local reopened = key('reopened', run_id)

local run = redis.call('HMGET', key('run', run_id), 'version', 'state', 'saved')
if run[3] == nonce then return 1 end -- a repeat whose first answer was lost
if run[1] ~= version or run[2] == 'running' then return 0 end

redis.call('HSET', key('run', run_id), 'record', ARGV[5], 'version', version + 1, 'state', 'running', 'saved', nonce)
note_wait(run_id, 'running', '')
for i = 8, 7 + forgotten do
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
append_events(run_id, 8 + forgotten, events)
return 1
