-- How fast the jobs of one type end while others wait. Time in which none waits would make an idle worker look slow.

-- What was measured FADES_MS ago counts by 1/e; less measured time than MEASURED_MS gives no speed.
local FADES_MS, MEASURED_MS = 30000, 500

local function pace_of(type)
  local sums = redis.call('HMGET', key('load', type), 'since', 'ms', 'tokens', 'jobs', 'waiting')
  local since = tonumber(sums[1] or 0)
  local passed_ms = since > 0 and NOW_MS - since or 0
  local left = math.exp(-passed_ms / FADES_MS)
  return {
    counts = since > 0, known = tonumber(sums[2] or 0) >= MEASURED_MS, waiting = tonumber(sums[5] or 0),
    ms = tonumber(sums[2] or 0) * left + FADES_MS * (1 - left), -- also in one long interval, what is long ago has faded
    tokens = tonumber(sums[3] or 0) * left, jobs = tonumber(sums[4] or 0) * left,
  }
end

-- Counts a job of the type that has been done and is not running any more.
local function count_done(job)
  local pace = pace_of(job.type)
  local since = pace.waiting > 0 and NOW_MS or 0
  if pace.counts then
    redis.call('HSET', key('load', job.type), 'since', since, 'ms', pace.ms, 'tokens', pace.tokens + job.tokens,
      'jobs', pace.jobs + 1)
  elseif since > 0 then
    redis.call('HSET', key('load', job.type), 'since', since)
  end
end

-- The speed of the type, which sinks while the type stands still; nil if it is not known.
local function per_s(pace, count)
  return pace.known and pace.ms > 0 and 1000 * pace[count] / pace.ms or nil
end
