-- What the scripts of tallies share. A tally is 'count began ends', the instants in microseconds since 1970, which
-- a number of Lua holds exactly; as texts they are passed on as they came.
local function tally(key, now)
    local kept = redis.call('GET', key)
    if not kept then return nil end
    local count, began, ends = string.match(kept, '^(%d+) (%-?%d+) (%-?%d+)$')
    if not count then return nil end
    local since, till = tonumber(began), tonumber(ends)
    -- Whether its window is the present one; a clock that was set back by more than a window begins anew.
    if now and not (now < till and since - now <= till - since) then return nil end
    return { count = tonumber(count), began = began, since = since, ends = ends, till = till }
end

-- The full one that is full for the longest. The bounds are the last arguments, one for each key.
local function fullest(now, tallies)
    local full
    for i, key in ipairs(KEYS) do
        local one = tally(key, now)
        if tallies then tallies[i] = one or false end
        local most = tonumber(ARGV[#ARGV - #KEYS + i])
        if one and one.count >= most and (not full or one.till > full.till) then
            full = one
            full.most = most
        end
    end
    return full
end
