-- Further arguments: the device, and the ids of its calls as far as its node knows. Answers what was ended, and which
-- of those are lost.
local ended, lost = {}, {}
for _, id in ipairs(redis.call('SMEMBERS', at(ARGV[3]))) do
    local one = find(id)
    if one then ended[#ended + 1] = told(finish(one)) end
end
redis.call('DEL', at(ARGV[3]))
for number = 4, #ARGV do
    if is_lost(ARGV[number]) then lost[#lost + 1] = ARGV[number] end
end
return { ended, lost }
