-- Where jobs that have not ended are, and how they move.

-- The states in which jobs expire, and the states in which their tokens wait for a worker.
local EXPIRING = {pending = true, ready = true, sent = true}
local WAITING = {ready = true, sent = true}

local woken_ms -- what this script has put into `wake`

-- Wakes a coordinator, or has it sleep no longer than `in_ms`.
local function wake(in_ms)
  if woken_ms and woken_ms <= in_ms then return end
  woken_ms = tonumber(redis.call('LINDEX', key('wake'), 0) or in_ms + 1)
  if woken_ms <= in_ms then return end
  redis.call('LPUSH', key('wake'), in_ms)
  redis.call('LTRIM', key('wake'), 0, 0)
  woken_ms = in_ms
end

-- Wakes a coordinator once half of a full window has left the queue, because a wake for each job would cost a script.
local function refill(type)
  local low = redis.call('HGET', key('refill'), type)
  if low and redis.call('ZCARD', key('sent', type)) <= tonumber(low) then
    redis.call('HDEL', key('refill'), type)
    wake(0)
  end
end

local function index_of(job, state)
  if state == 'ready' then return key('line', job.type, job.class, job.tenant) end
  return key(state, job.type)
end

local function expires_ms(job)
  if job.deadline and job.claim_by then return math.min(job.deadline, job.claim_by) end
  return job.deadline or job.claim_by
end

local function watch(job, was, state)
  local at_ms = expires_ms(job)
  if not at_ms or EXPIRING[was] == EXPIRING[state] then return end
  if EXPIRING[state] then
    redis.call('ZADD', key('deadlines'), at_ms, job.id)
  else
    redis.call('ZREM', key('deadlines'), job.id)
  end
end

local function count_waiting(job, was, state)
  if WAITING[was] ~= WAITING[state] then
    redis.call('HINCRBY', key('load', job.type), 'waiting', WAITING[state] and job.tokens or -job.tokens)
  end
end

-- Moves the job from its state to another one, and sets the (field, value)* given with it. `score` is its place in the
-- index of the new state; a job that has ended is in no index and has no score.
local function move(job, state, score, ...)
  local was = job.state
  if was and was ~= state then redis.call('ZREM', index_of(job, was), job.id) end
  if was == 'pending' and job.unique then redis.call('ZREM', key('behind', job.reuse), job.id) end
  if score then redis.call('ZADD', index_of(job, state), score, job.id) end
  watch(job, was or '', state)
  count_waiting(job, was or '', state)
  redis.call('HSET', key('state', job.id), 'state', state, ...)
  job.state = state
  if was == 'sent' and state ~= 'sent' then refill(job.type) end
end

-- The job of an id in an index of jobs that have not ended. If there is no such job, the id is taken out of the index,
-- because nothing else would take it out, and nil is returned. `counted`: the type among whose waiting tokens the job
-- counts. A job that is gone counts as one token, the least.
local function load_from(index, id, counted)
  local job = load_job(id)
  if job and not ENDED[job.state] then return job end
  redis.call('ZREM', index, id)
  if counted then redis.call('HINCRBY', key('load', counted), 'waiting', -(job and job.tokens or 1)) end
  return nil
end

-- The first job in the index; nil if there is none.
local function first_in(index, counted)
  while true do
    local id = redis.call('ZRANGE', index, 0, 0)[1]
    local job = id and load_from(index, id, counted)
    if job or not id then return job end
  end
end

local turns = {} -- the turns that this script has given

-- A tenant that waits for the first time in a while begins at the turn of the tenant that was served last.
local function give_turn(job)
  local turns_key = key('turns', job.type, job.class)
  local seen = turns_key .. ' ' .. job.tenant
  if turns[seen] then return end
  turns[seen] = true
  redis.call('ZADD', turns_key, 'NX', redis.call('HGET', key('clock', job.type), job.class) or 0, job.tenant)
end

-- Drops the turn of a tenant that would be next and has nothing to wait for.
local function drop_turn(turns_key, tenant)
  turns[turns_key .. ' ' .. tenant] = nil
  redis.call('ZREM', turns_key, tenant)
end

-- Begins the limit on how long the job waits to be claimed: it is ready for the first time.
local function begin_wait(job)
  job.claim_by = NOW_MS + job.queue_ms
  redis.call('HSET', key('state', job.id), 'claim_by', job.claim_by)
  redis.call('ZADD', key('deadlines'), expires_ms(job), job.id)
end

-- Makes the job ready, behind all others of its tenant and class.
local function line_up(job)
  give_turn(job)
  if job.queue_ms then begin_wait(job) end
  if job.queue_ms or job.share then redis.call('HDEL', key('state', job.id), 'queue_ms', 'share') end
  move(job, 'ready', redis.call('INCR', key('seq')), 'since', NOW_MS)
  wake(0)
end

-- Gives back what the tenant was charged for the job, which is charged again when it is taken again.
local function refund(job)
  if job.share then
    redis.call('ZINCRBY', key('turns', job.type, job.class), '-' .. job.share, job.tenant)
    redis.call('HDEL', key('state', job.id), 'share')
    job.share = nil
  end
end

-- Makes the job ready again, before all others of its tenant and class, ready since `since`, and uncharged.
local function put_back(job, since)
  give_turn(job)
  refund(job)
  move(job, 'ready', redis.call('DECR', key('front')), 'since', since)
  wake(0)
end

-- Moves a job that was offered to a worker of other schemas to a line of its own schemas, and so to a queue that only
-- workers of these serve. It is offered to no other worker again, and holds up no job that such a worker can do.
local function stray(job)
  local line = base_of(job.type) .. '.' .. string.sub(job.schemas, 1, 12)
  give_turn(job)
  refund(job)
  move(job, 'pending', NOW_MS)
  redis.call('ZREM', key('pending', job.type), job.id)
  job.type = line
  redis.call('SADD', key('types'), line)
  redis.call('HSET', key('state', job.id), 'type', line)
  line_up(job)
end
