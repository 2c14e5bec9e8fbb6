-- Argument: worker.
redis.call('DEL', key('worker', ARGV[2]))
redis.call('ZREM', key('workers'), ARGV[2])
