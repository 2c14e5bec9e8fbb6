-- Arguments: silence in ms, ms before which a silent job was sent, most jobs to look at. Returns {1 if there may be
-- more, {type, id}, {type, id}, ...}. The second argument stays the same over the calls of one sweep, so that the sweep
-- ends: a job that it has sent again does not count as silent.
local silent_ms, silent_before, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local LONGEST_SILENCES = 8
local looked, sent = 0, {0}

-- Each job is loaded when it is looked at, because the end of an earlier one may have moved it.
local function each_overdue(index, before_ms, mend, counted)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', before_ms, 'LIMIT', 0, limit - looked)) do
    looked = looked + 1
    local job = load_from(index, id, counted)
    if job then mend(job) end
  end
end

local function send_again(job, at_ms, ...)
  move(job, 'sent', math.max(at_ms, silent_before), ...)
  sent[#sent + 1] = {job.type, job.id}
end

-- The queue is first in, first out: while a line moves, what was sent after the last claimed job only waits its turn.
local function sent_before(type)
  local sent_ms, claimed_ms = string.match(redis.call('HGET', key('passed'), type) or '', '(%S+) (%S+)')
  if not claimed_ms or tonumber(claimed_ms) < silent_before then return silent_before end
  return math.min(silent_before, tonumber(sent_ms))
end

local function mend_lost(job)
  note_lost(job)
  if end_if_over(job) then return end
  if paused(job.type) then return put_back(job, NOW_MS) end
  send_again(job, NOW_MS, 'since', NOW_MS)
end

local function mend_silent(job)
  if end_if_over(job) then return end
  if paused(job.type) then return put_back(job, job.since) end
  -- The job is marked as sent in the future: its next silence is noticed 2, 4 and then 8 silences from now.
  local resends = tonumber(job.resends or 0) + 1
  local silences = math.min(2 ^ resends, LONGEST_SILENCES)
  send_again(job, NOW_MS + (silences - 1) * silent_ms, 'resends', resends)
end

each_overdue(key('deadlines'), NOW_MS, end_if_over)
for _, type in ipairs(redis.call('SMEMBERS', key('types'))) do
  each_overdue(key('running', type), NOW_MS, mend_lost)
  each_overdue(key('sent', type), string.format('(%.17g', sent_before(type)), mend_silent, type)
  for _, cause in ipairs(CAUSES) do
    redis.call('ZREMRANGEBYSCORE', key(cause, type), '-inf', NOW_MS - RETENTION_S * 1000)
  end
end
if looked < limit then looked = looked + unlist_forgotten(limit - looked) end
-- Removes the consumers of coordinators that have ended in any way: each process is a consumer of its own name.
local consumers = redis.pcall('XINFO', 'CONSUMERS', key('outcomes'), 'coordinator')
for _, flat in ipairs(consumers.err and {} or consumers) do
  local consumer = {}
  for i = 1, #flat, 2 do consumer[flat[i]] = flat[i + 1] end
  if consumer.pending == 0 and consumer.idle > RETENTION_S * 1000 then
    redis.call('XGROUP', 'DELCONSUMER', key('outcomes'), 'coordinator', consumer.name)
  end
end
if looked >= limit then sent[1] = 1 end
return sent
