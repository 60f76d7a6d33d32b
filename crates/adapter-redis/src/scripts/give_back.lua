-- Arguments: when the windows end in which was taken from the first keys. Another key is forgotten.
for i, key in ipairs(KEYS) do
    if i > #ARGV then
        redis.call('DEL', key)
    else
        local one = tally(key)
        if one and one.ends == ARGV[i] then
            if one.count > 1 then
                local text = string.format('%.0f %s %s', one.count - 1, one.began, one.ends)
                redis.call('SET', key, text, 'KEEPTTL')
            else
                redis.call('DEL', key)
            end
        end
    end
end
