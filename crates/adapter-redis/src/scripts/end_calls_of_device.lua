-- Further argument: the device.
local ended = {}
for _, id in ipairs(redis.call('SMEMBERS', at(ARGV[3]))) do
    local one = find(id)
    if one then ended[#ended + 1] = finish(one) end
end
redis.call('DEL', at(ARGV[3]))
return ended
