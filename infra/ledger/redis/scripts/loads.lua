-- Arguments: job types. Returns for each {state or '', sent, running and pending jobs, waiting tokens, tokens per
-- second or '', {class, tenant, ready jobs, ...}}.
local function ready_of(type)
  local ready = {}
  each_line(type, function(class, tenant, count)
    for _, each in ipairs({class, tenant, count}) do ready[#ready + 1] = each end
  end)
  return ready
end

local loads = {}
for i = 2, #ARGV do
  local pace = pace_of(ARGV[i])
  local speed = per_s(pace, 'tokens')
  loads[#loads + 1] = {
    redis.call('HGET', key('type_states'), ARGV[i]) or '', redis.call('ZCARD', key('sent', ARGV[i])),
    redis.call('ZCARD', key('running', ARGV[i])), redis.call('ZCARD', key('pending', ARGV[i])), pace.waiting,
    speed and string.format('%.17g', speed) or '', ready_of(ARGV[i]),
  }
end
return loads
