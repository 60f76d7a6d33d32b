-- Arguments: when it was taken; how many of the keys are given back. Another one is forgotten.
local taken_at, returned = tonumber(ARGV[1]), tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
    if i > returned then
        redis.call('DEL', key)
    else
        local one = tally(key)
        if one and one.since <= taken_at then
            if one.count > 1 then
                local text = string.format('%.0f %s %s', one.count - 1, one.began, one.ends)
                redis.call('SET', key, text, 'KEEPTTL')
            else
                redis.call('DEL', key)
            end
        end
    end
end
