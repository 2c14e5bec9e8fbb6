-- Arguments: tenant, run id, how many runs of the tenant may go on at once. Counts the run as one that goes on, unless
-- there are as many already; a run that is counted stays so. Returns 1 or 0, how many go on, and 1 if it is new.
local going, run_id, most = key('going', ARGV[2]), ARGV[3], tonumber(ARGV[4])
local YOUNG_MS = 60000 -- a run that is counted is stored a moment later

local function is_over(id, since_ms)
  local state = redis.call('HGET', key('run', id), 'state')
  return state and is_end(state) or not state and tonumber(since_ms) < NOW_MS - YOUNG_MS
end

-- Runs that have ended are looked for only where they would be in the way: the set has `most` members, or few more.
local function strike_ended()
  local members = redis.call('ZRANGE', going, 0, -1, 'WITHSCORES')
  for i = 1, #members, 2 do
    if is_over(members[i], members[i + 1]) then redis.call('ZREM', going, members[i]) end
  end
end

if redis.call('ZSCORE', going, run_id) then return {1, redis.call('ZCARD', going), 0} end
if redis.call('ZCARD', going) >= most then strike_ended() end
local count = redis.call('ZCARD', going)
if count >= most then return {0, count, 0} end
redis.call('ZADD', going, NOW_MS, run_id)
redis.call('EXPIRE', going, RETENTION_S)
return {1, count + 1, 1}
