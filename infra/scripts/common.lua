-- The ledger's rules that several scripts share. Put before each script; run by `infra.redis_ledger`.
-- One Redis, not a Cluster: keys are built here from the prefix. Time is the server's, so that no client's clock counts.
--
-- Every key starts with `<prefix>:`. R is a run's id, J a job's, T a job type, S a step.
--   run:R        hash    record (JSON of RunRecord), version, state, saved (nonce of the last save)
--   runs         list    ids of the newest 10,000 runs, newest first
--   events:R     stream  event (JSON of Event), the newest 25,000
--   results:R:S  hash    index -> output (JSON), one field for each item of the step
--   steps:R      set     steps that have results, to find results:R:*
--   open:R       set     ids of the run's jobs that have not ended
--   closing      set     runs that have ended and may have open jobs left to cancel
--   job:J        string  JSON of Job, the input with it; read by claim alone
--   state:J      hash    state, type, run, step, index, attempts, deadline (ms), since (ms; last made ready), attempt,
--                        token, worker, waited (ms until claimed), committed (token of the last accepted commit), resends
--   outcome:J    string  JSON of Outcome, once ended
--   types        set     job types that ever had a job
--   ready:T      zset    job id -> place in the line (from seq)
--   sent:T       zset    job id -> ms when it was put on the queue; the fraction is its place among those of one batch
--   running:T    zset    job id -> ms when its lease runs out
--   dead:T       zset    job id -> ms when it became a dead letter
--   deadlines    zset    job id -> ms; ready and sent jobs that have a deadline
--   outcomes     stream  outcome (JSON of Outcome) not acknowledged yet; consumer group `coordinator`
--   seq          string  counter of places in line
--   wake         list    at most one element: something became ready, or a line wants to be refilled
--   refill       hash    job type with more ready than its window took -> at how many sent jobs it wants to be refilled
--   passed       hash    job type -> ms when its last claimed job was put on the queue, and ms when it was claimed
--   workers      zset    worker -> ms until which it counts as alive
--   worker:W     string  what worker W says of itself (JSON)
-- What belongs to a run that has ended, and every job that has ended, is kept for RETENTION_S more.

local PREFIX = KEYS[1]
local RETENTION_S = tonumber(ARGV[1])
local EVENTS_KEPT = 25000
local RUNS_KEPT = 10000

local ENDED = {succeeded = true, failed = true, cancelled = true, expired = true, dead = true}

local time = redis.call('TIME')
local NOW_MS = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function key(...)
  return PREFIX .. ':' .. table.concat({...}, ':')
end

local function load_job(id)
  local flat = redis.call('HGETALL', key('state', id))
  if #flat == 0 then return nil end
  local job = {id = id}
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  job.attempt, job.attempts = tonumber(job.attempt), tonumber(job.attempts)
  job.deadline = tonumber(job.deadline)
  return job
end

local function run_ended(run_id)
  local state = redis.call('HGET', key('run', run_id), 'state')
  return state and state ~= 'running'
end

local function wake()
  redis.call('LPUSH', key('wake'), 1)
  redis.call('LTRIM', key('wake'), 0, 0)
end

-- Wakes a coordinator when half of a full window has been taken off the queue: one by one would cost it a script each.
local function refill(type)
  local low = redis.call('HGET', key('refill'), type)
  if low and redis.call('ZCARD', key('sent', type)) <= tonumber(low) then
    redis.call('HDEL', key('refill'), type)
    wake()
  end
end

-- Takes the job out of the index of its state, and out of the deadlines.
local function leave(job)
  local left = redis.call('ZREM', key(job.state, job.type), job.id)
  if job.deadline then redis.call('ZREM', key('deadlines'), job.id) end
  if job.state == 'sent' and left == 1 then refill(job.type) end
end

local function watch_deadline(job)
  if job.deadline then redis.call('ZADD', key('deadlines'), job.deadline, job.id) end
end

local function line_up(job)
  redis.call('ZADD', key('ready', job.type), redis.call('INCR', key('seq')), job.id)
  watch_deadline(job)
end

local function mark_sent(job, at_ms)
  leave(job)
  redis.call('HSET', key('state', job.id), 'state', 'sent')
  redis.call('ZADD', key('sent', job.type), at_ms, job.id)
  watch_deadline(job)
end

-- Ends the job. Its outcome is announced to the coordinators unless its run, having ended, waits for none.
local function finish(job, state, outcome, announced)
  leave(job)
  redis.call('HSET', key('state', job.id), 'state', state)
  redis.call('SREM', key('open', job.run), job.id)
  redis.call('SET', key('outcome', job.id), outcome, 'EX', RETENTION_S)
  redis.call('EXPIRE', key('state', job.id), RETENTION_S)
  redis.call('EXPIRE', key('job', job.id), RETENTION_S)
  if state == 'dead' then redis.call('ZADD', key('dead', job.type), NOW_MS, job.id) end
  if announced then redis.call('XADD', key('outcomes'), '*', 'outcome', outcome) end
end

local function finish_failed(job, state, message, announced)
  local outcome = cjson.encode({
    job_id = job.id, run_id = job.run, step_id = job.step, index = tonumber(job.index),
    state = state, attempt = job.attempt,
    failure = {kind = state, message = message, retryable = false},
  })
  finish(job, state, outcome, announced)
end

-- Ends a job that must not be run (again), and says how; nil if it may.
local function end_if_over(job)
  if run_ended(job.run) then
    finish_failed(job, 'cancelled', 'its run has ended', false)
    return 'cancelled'
  end
  if job.deadline and job.deadline <= NOW_MS then
    finish_failed(job, 'expired', 'its deadline passed before an answer', true)
    return 'expired'
  end
  if job.attempt >= job.attempts then
    finish_failed(job, 'dead', 'attempt ' .. job.attempt .. ' of ' .. job.attempts .. ' ended without an outcome', true)
    return 'dead'
  end
  return nil
end

-- Makes the jobs in ARGV[at...], eight arguments each; returns how many were new.
local JOB_ARGS = 8
local function release_jobs(at)
  local new = 0
  for i = at, #ARGV, JOB_ARGS do
    local job = {
      id = ARGV[i], type = ARGV[i + 1], run = ARGV[i + 2], step = ARGV[i + 3], index = ARGV[i + 4],
      attempts = ARGV[i + 5], deadline = tonumber(ARGV[i + 6]),
    }
    if redis.call('EXISTS', key('state', job.id)) == 0 and not run_ended(job.run) then
      redis.call('HSET', key('state', job.id), 'state', 'ready', 'type', job.type, 'run', job.run, 'step', job.step,
        'index', job.index, 'attempts', job.attempts, 'deadline', ARGV[i + 6], 'since', NOW_MS, 'attempt', 0)
      redis.call('SET', key('job', job.id), ARGV[i + 7])
      redis.call('SADD', key('open', job.run), job.id)
      redis.call('SADD', key('types'), job.type)
      line_up(job)
      new = new + 1
    end
  end
  if new > 0 then wake() end
  return new
end

-- Appends the `count` events in ARGV[at...]; returns where they end.
local function append_events(run_id, at, count)
  for i = at, at + count - 1 do
    redis.call('XADD', key('events', run_id), 'MAXLEN', '~', EVENTS_KEPT, '*', 'event', ARGV[i])
  end
  return at + count
end
