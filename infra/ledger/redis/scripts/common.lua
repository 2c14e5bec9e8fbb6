-- The ledger's keys, and what every script needs. `infra.ledger.redis.scripts` puts this file before each script.
-- The scripts are for one Redis, not for a Cluster, because keys are built here from the prefix. The time is the
-- server's, so that no client's clock counts.
--
-- Every key starts with `<prefix>:`. R is a run's id, J a job's id, T a job type, P a class (0 is served first), N a
-- tenant, S a step, K a key of reuse (it stands for what is asked), W a worker, X a nonce or a token.
--   run:R          hash    record (JSON of RunRecord), version, state, saved (nonce of the last save), place, lists (the
--                          names of the lists that the run is in, with blanks between them)
--   listed         zset    all runs: id -> place (microseconds when it was created; each run has a place of its own)
--   listed:L       zset    the same of the runs in list L: state:…, tenant:…, type:… (a job type of its plan), tag:…
--   placed         string  the place of the newest run
--   forgotten      zset    runs that have ended: id and lists, with blanks between them -> ms when they leave the lists
--   unsure         zset    unsure runs: id -> ms when the run has waited too long for its caller
--   asked:I        string  what idempotency key I was used for (JSON of Prior), for as long as the request is known
--   plans:N        hash    name -> saved plan (JSON), until it is deleted
--   events:R       stream  event (JSON of Event), the newest 25,000. R may be a bell: of a process that waits for events
--                          of many runs, and is to look anew; for a minute
--   results:R:S    hash    index -> output (JSON), one field for each item of the step
--   steps:R        set     steps that have results, to find results:R:*
--   payloads:R     hash    sha256 -> value (JSON): large values of the inputs of the run's jobs, each stored once
--   open:R         set     ids of the run's jobs that have not ended
--   closing        set     runs that have ended and may have open jobs left to cancel
--   staged:R:X     list    jobs to make anew (as `make_job` takes them) if the reopening with nonce X is saved
--   reopened:R     list    jobs of a reopened run that are still to be made anew
--   reopening      set     runs that have such a list
--   job:J          string  JSON of Job. If payloads:R has some of its input, a line with a JSON list comes first: the
--                          name and the sha256 of each such value. Of the scripts, only claim reads it
--   state:J        hash    state, type, run, step, index, attempts, since (ms when it was last made ready), attempt,
--                          token, worker, waited (ms until it was claimed), committed (token of the last accepted
--                          commit), handed (token of the last claim that was handed back), resends, lost (leases that
--                          ran out), share (how much its tenant's turn grew when it was taken, until it is in a line
--                          again). Fields that only some jobs have: bundle (1: it was last claimed together with
--                          others), alone (1: it has a message of its own: its input is large, or a claim of it
--                          together with others was lost), deadline (ms), queue_ms (limit on its wait,
--                          kept until it is ready for the first time), claim_by (ms; from then until its first claim),
--                          tenant, tags (with blanks between them), class, tokens, round, schemas (sha256 of the schemas that its worker must have),
--                          reuse (K), digest (of its specialist), unique (1), cache_s, fresh (1). A job that was
--                          offered to a worker of other schemas has the type of its own line: T, a dot, and 12 digits
--                          of its schemas
--   outcome:J      string  JSON of Outcome, once ended
--   types          set     job types that ever had a job
--   type_states    hash    job type -> paused or draining; types that are not in it are open
--   line:T:P:N     zset    ready jobs: id -> place (from seq, or from front)
--   turns:T:P      zset    tenant -> tokens that it has had, divided by its weight; the tenant with the least is next
--   clock:T        hash    class -> turn of the tenant that was served last: a tenant without a turn begins there
--   pending:T      zset    job id -> ms when it is ready again; inf: it waits for another job that asks the same
--   sent:T         zset    job id -> ms when it was put on the queue; the fraction is its place in its batch
--   running:T      zset    job id -> ms when its lease runs out
--   poison:T, failed:T, unprocessable:T   zset   dead letters by cause: job id -> ms when it ended
--   load:T         hash    waiting (tokens of ready and sent jobs). For the speed: since (ms of the last commit, if
--                          jobs waited after it, else 0), and faded sums over the time in which jobs waited: ms,
--                          tokens, jobs
--   deadlines      zset    job id -> ms when it expires; only pending, ready and sent jobs that do expire
--   leader:K       string  id of the unique job that is done for all that ask the same
--   behind:K       zset    pending jobs that ask the same: id -> place
--   kept:K         hash    job, reuse, answer (the end of an outcome's JSON: output, provenance, confidence and, where
--                          they were asked for, alternatives), for `cache_s`
--   answer:X       hash    the same fields, of the job that was committed with token X, for the jobs that waited for it
--   answered:X     zset    the jobs that waited for it and have not got the answer yet
--   settling       set     tokens X that have such a set
--   outcomes       stream  outcome (JSON of Outcome) not acknowledged yet; consumer group `coordinator`
--   seq, front     string  counters of places in line: one goes up, the other down
--   wake           list    at most one element: ms until a job is ready or a line wants to be refilled, mostly 0
--   refill         hash    job type with more ready jobs than its window took -> number of sent jobs to refill it at
--   passed         hash    job type -> ms when its last claimed job was put on the queue, and ms when it was claimed
--   stops:W        list    tokens of claims of the worker that are to stop, for a minute
--   keys           hash    key id -> ApiKey (JSON) of a key of the API; it has the secret's digest, not the secret
--   key_ends       zset    key id -> ms from which the key is refused; only keys that have an end
--   quotas         hash    tenant -> Quota (JSON); only tenants that have bounds
--   quota:{N/W}    string  what tenant N has taken of the current window W of its quota, and quota:{N/W}/-1 of the one
--                          before; the library `limits` writes both
--   going:N        zset    runs that count as going on for the quota of tenant N: id -> ms when they were counted
--   workers        zset    worker -> ms until which it counts as alive
--   worker:W       string  what worker W says of itself (JSON)
--   replicated     string  1: a write for WAIT, where replicas must have a goal before it is accepted
-- What belongs to a run that has ended, and every job that has ended, is kept for another RETENTION_S seconds.

local PREFIX = KEYS[1]
local RETENTION_S = tonumber(ARGV[1])

local ENDED = {succeeded = true, failed = true, cancelled = true, expired = true, dead = true}
-- The defaults of `infra.records`, for a job whose state:J leaves these fields out.
local TENANT, CLASS = 'default', '1'

local time = redis.call('TIME')
local NOW_MS = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function key(...)
  return PREFIX .. ':' .. table.concat({...}, ':')
end

local function typed(job)
  job.attempt, job.attempts, job.tokens = tonumber(job.attempt or 0), tonumber(job.attempts), tonumber(job.tokens or 1)
  job.deadline, job.claim_by = tonumber(job.deadline), tonumber(job.claim_by)
  job.tenant, job.class = job.tenant or TENANT, job.class or CLASS
  return job
end

local function load_job(id)
  local flat = redis.call('HGETALL', key('state', id))
  if #flat == 0 then return nil end
  local job = {id = id}
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  return typed(job)
end

local function is_end(run_state)
  return run_state ~= 'running' and run_state ~= 'unsure'
end

local function run_ended(run_id)
  local state = redis.call('HGET', key('run', run_id), 'state')
  return state and is_end(state)
end

-- The job type of a line. A line for one form of schemas is named for the type, with a dot and more behind it.
local function base_of(type)
  return string.match(type, '^[^.]+')
end

local function paused(type)
  return redis.call('HGET', key('type_states'), base_of(type)) == 'paused'
end
