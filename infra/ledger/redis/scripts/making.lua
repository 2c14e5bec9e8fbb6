-- How jobs are made.

-- Begins a new job. If its output is kept, it has ended, unless it is to be done anew. If it is unique and another job
-- does the same, it waits for that one. Otherwise it is ready.
local function begin(job)
  local kept = job.reuse and not job.fresh and key('kept', job.reuse)
  if kept and redis.call('EXISTS', kept) == 1 then
    finish_same(job, kept)
  elseif job.unique and not redis.call('SET', key('leader', job.reuse), job.id, 'NX') then
    move(job, 'pending', 'inf', 'since', NOW_MS)
    redis.call('ZADD', key('behind', job.reuse), redis.call('INCR', key('seq')), job.id)
  else
    line_up(job)
  end
end

-- Makes a job of a JSON object: its id, `job` (what job:J is to hold), and the first fields of state:J. Returns 1, or 0
-- if the job exists in this round, or if its run has ended.
local function make_job(text)
  local job = cjson.decode(text)
  local before = load_job(job.id)
  if before and tonumber(before.round or 0) >= (job.round or 0) or run_ended(job.run) then return 0 end
  if before then drop(before) end
  redis.call('SET', key('job', job.id), job.job)
  redis.call('SADD', key('open', job.run), job.id)
  redis.call('SADD', key('types'), job.type)
  local fields = {}
  for field, value in pairs(job) do
    if field ~= 'id' and field ~= 'job' then
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
  end
  redis.call('HSET', key('state', job.id), unpack(fields))
  begin(typed(job))
  return 1
end

-- Stores the large values of jobs in ARGV[at...]: their number, then (run id, sha256, value) for each. Returns the
-- index behind them. Nothing is stored for a run that has ended.
local function store_payloads(at)
  local first, last = at + 1, at + 3 * tonumber(ARGV[at])
  for i = first, last, 3 do
    if not run_ended(ARGV[i]) then redis.call('HSETNX', key('payloads', ARGV[i]), ARGV[i + 1], ARGV[i + 2]) end
  end
  return last + 1
end

-- Makes the jobs in ARGV[at...], after their large values. Returns how many of them were new.
local function make_jobs(at)
  local new = 0
  for i = store_payloads(at), #ARGV do new = new + make_job(ARGV[i]) end
  return new
end
