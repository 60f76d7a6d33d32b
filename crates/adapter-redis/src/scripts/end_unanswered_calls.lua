-- Further arguments: since when they have rung at the latest, how many at most.
local ended = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', ringing, '-inf', ARGV[3], 'LIMIT', 0, ARGV[4])) do
    local one = find(id)
    if one then ended[#ended + 1] = finish(one) else redis.call('ZREM', ringing, id) end
end
return ended
