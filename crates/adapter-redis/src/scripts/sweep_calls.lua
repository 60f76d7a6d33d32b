-- Further arguments: for how long a call rings, how long a missed one is left to the node that is told of it until
-- another is, both in microseconds; how many calls at most; and the ids of calls whose devices are at the node that
-- asks. Answers what was missed, what nodes have left behind that are gone, and which of those ids are not there.
local rings_for, left_to, most, time = ARGV[3], ARGV[4], ARGV[5], now()
local missing, left, unknown = {}, {}, {}

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ringing, '-inf', digits(time - rings_for), 'LIMIT', 0, most)) do
    local one = find(id)
    if one then
        redis.call('HSET', missed_calls, id, finish(one).sealed)
        redis.call('ZADD', missed, 0, id)
    end
    redis.call('ZREM', ringing, id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', missed, '-inf', digits(time), 'LIMIT', 0, most)) do
    local sealed = redis.call('HGET', missed_calls, id)
    if sealed then
        missing[#missing + 1] = { id, sealed, '' }
        redis.call('ZADD', missed, digits(time + left_to), id)
    else
        redis.call('ZREM', missed, id)
    end
end
if #missing > 0 then
    redis.call('PEXPIRE', missed, lifetime)
    redis.call('PEXPIRE', missed_calls, lifetime)
end

-- A node says every few seconds that it is there. When nobody could, because Redis did not answer or is new, each has
-- the time to say so before it is taken for gone: until somebody has asked for a few seconds without a pause.
local watched, pause, patience = prefix .. 'calls:watched', 5000, 5000000
local since = redis.call('GET', watched)
if since then redis.call('PEXPIRE', watched, pause) else redis.call('SET', watched, digits(time), 'PX', pause) end
if since and time - since >= patience then
    for _, node in ipairs(redis.call('SMEMBERS', nodes)) do
        if not is_there(node) then
            for _, id in ipairs(redis.call('SRANDMEMBER', on(node), most)) do
                local one = find(id)
                if one then left[#left + 1] = told(finish(one)) end
                redis.call('SREM', on(node), id)
            end
        end
        if redis.call('EXISTS', on(node)) == 0 then redis.call('SREM', nodes, node) end
    end
end

for number = 6, #ARGV do
    if redis.call('EXISTS', call(ARGV[number])) == 0 then unknown[#unknown + 1] = ARGV[number] end
end
return { missing, left, unknown }
