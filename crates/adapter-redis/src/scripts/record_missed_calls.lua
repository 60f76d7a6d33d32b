-- Further arguments: the ids.
for number = 3, #ARGV do
    redis.call('ZREM', missed, ARGV[number])
    redis.call('HDEL', missed_calls, ARGV[number])
end
return 1
