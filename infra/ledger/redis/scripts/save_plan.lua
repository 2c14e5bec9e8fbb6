-- Arguments: tenant, name, plan (JSON), how many plans the tenant may have. Returns a word of `Saving`.
local plans, name = key('plans', ARGV[2]), ARGV[3]
local is_new = redis.call('HEXISTS', plans, name) == 0
if is_new and redis.call('HLEN', plans) >= tonumber(ARGV[5]) then return 'full' end
redis.call('HSET', plans, name, ARGV[4])
return is_new and 'new' or 'replaced'
