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

local function count_of_type(type, jobs, tokens)
  local pace = pace_of(type)
  local since = pace.waiting > 0 and NOW_MS or 0
  if pace.counts then
    redis.call('HSET', key('load', type), 'since', since, 'ms', pace.ms, 'tokens', pace.tokens + tokens,
      'jobs', pace.jobs + jobs)
  elseif since > 0 then
    redis.call('HSET', key('load', type), 'since', since)
  end
end

-- Counts jobs that have been done and are not running any more. Those of one type ended in the same time.
local function count_done(done)
  local jobs, tokens = {}, {}
  for _, job in ipairs(done) do
    jobs[job.type], tokens[job.type] = (jobs[job.type] or 0) + 1, (tokens[job.type] or 0) + job.tokens
  end
  for type, count in pairs(jobs) do count_of_type(type, count, tokens[type]) end
end

-- The speed of the type, which sinks while the type stands still; nil if it is not known.
local function per_s(pace, count)
  return pace.known and pace.ms > 0 and 1000 * pace[count] / pace.ms or nil
end
