-- Arguments: silence in ms, ms before which a job must have been sent to be silent, most jobs to look at. Returns 
-- {1 if there may be more, type, id, type, id, ...}. The second argument stays the same over the calls of one sweep, so
-- that the sweep ends: what it has sent again is not silent to it.
local silent_ms, silent_before, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local LONGEST_SILENCES = 8
local looked, sent = 0, {0}

local function overdue(index, before_ms)
  local jobs = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', before_ms, 'LIMIT', 0, limit - looked)) do
    jobs[#jobs + 1] = load_job(id)
    looked = looked + 1
  end
  return jobs
end

local function send_again(job, at_ms)
  mark_sent(job, math.max(at_ms, silent_before))
  sent[#sent + 1] = job.type
  sent[#sent + 1] = job.id
end

-- The queue is first in, first out: while a line moves, what was sent after the last claimed job only waits its turn.
local function sent_before(type)
  local sent_ms, claimed_ms = string.match(redis.call('HGET', key('passed'), type) or '', '(%S+) (%S+)')
  if not claimed_ms or tonumber(claimed_ms) < silent_before then return silent_before end
  return math.min(silent_before, tonumber(sent_ms))
end

for _, job in ipairs(overdue(key('deadlines'), NOW_MS)) do
  end_if_over(job)
end
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  for _, job in ipairs(overdue(key('running', type), NOW_MS)) do
    if not end_if_over(job) then
      redis.call('HSET', key('state', job.id), 'since', NOW_MS)
      send_again(job, NOW_MS)
    end
  end
  for _, job in ipairs(overdue(key('sent', type), string.format('(%.17g', sent_before(type)))) do
    if not end_if_over(job) then
      -- Marked as sent in the future: the next silence is noticed 2, 4 and then 8 silences from now.
      local silences = math.min(2 ^ redis.call('HINCRBY', key('state', job.id), 'resends', 1), LONGEST_SILENCES)
      send_again(job, NOW_MS + (silences - 1) * silent_ms)
    end
  end
  redis.call('ZREMRANGEBYSCORE', key('dead', type), '-inf', NOW_MS - RETENTION_S * 1000)
end
if looked >= limit then sent[1] = 1 end
return sent
