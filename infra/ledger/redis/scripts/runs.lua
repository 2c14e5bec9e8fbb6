-- What the scripts that change a run share.

local EVENTS_KEPT = 25000

-- Appends the `count` events in ARGV[at...]; returns the index behind them.
local function append_events(run_id, at, count)
  for i = at, at + count - 1 do
    redis.call('XADD', key('events', run_id), 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', ARGV[i])
  end
  return at + count
end

-- Remembers until when a run in this state waits for its caller; `until_ms` is '' where the run does not wait.
local function note_wait(run_id, state, until_ms)
  if state == 'unsure' and until_ms ~= '' then
    redis.call('ZADD', key('unsure'), until_ms, run_id)
  else
    redis.call('ZREM', key('unsure'), run_id)
  end
end

-- What belongs to the run, which is in `lists`, is kept for another RETENTION_S seconds.
local function expire_run(run_id, lists)
  for _, step in ipairs(redis.call('SMEMBERS', key('steps', run_id))) do
    redis.call('EXPIRE', key('results', run_id, step), RETENTION_S)
  end
  for _, kind in ipairs({'run', 'events', 'steps', 'payloads'}) do
    redis.call('EXPIRE', key(kind, run_id), RETENTION_S)
  end
  forget_later(run_id, lists)
end
