-- Arguments: worker, what it says of itself (JSON), ms after which it counts as gone.
local ttl_ms = tonumber(ARGV[4])
redis.call('SET', key('worker', ARGV[2]), ARGV[3], 'PX', ttl_ms)
redis.call('ZREMRANGEBYSCORE', key('workers'), '-inf', NOW_MS)
redis.call('ZADD', key('workers'), NOW_MS + ttl_ms, ARGV[2])
