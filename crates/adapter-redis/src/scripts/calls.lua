-- What the scripts of calls share. The first argument is what every key begins with, the second how long a call is
-- remembered at most, in milliseconds. A call is a hash: 'sealed', what it is; 'of', its consultation; 'began', in
-- microseconds since 1970; 'from' and 'on', the devices at its two ends, 'on' empty while it rings; 'from_node' and
-- 'on_node', the nodes that these are connected to. Where a call is noted: under its consultation, its devices and
-- their nodes; while it rings, in the order of 'began'; once it is missed, until that is recorded; and for a minute
-- after it was ended that it was.
local prefix, lifetime = ARGV[1], ARGV[2]
local ringing, nodes = prefix .. 'calls:ringing', prefix .. 'calls:nodes'
-- The ids of missed calls, in the order in which they are to be told (again), and what they are.
local missed, missed_calls = prefix .. 'calls:missed', prefix .. 'calls:missed:sealed'
local remembered = 60000

local function call(id) return prefix .. 'call:' .. id end
local function over(id) return prefix .. 'call:over:' .. id end
local function of(consultation) return prefix .. 'calls:of:' .. consultation end
local function at(device) return prefix .. 'calls:at:' .. device end
local function on(node) return prefix .. 'calls:on:' .. node end

local function digits(number) return string.format('%.0f', number) end

-- What the clocks of several nodes say differs; this one is the same for all. In microseconds since 1970.
local function now()
    local time = redis.call('TIME')
    return time[1] * 1000000 + time[2]
end

local function put(key, member)
    redis.call('SADD', key, member)
    redis.call('PEXPIRE', key, lifetime)
end

local function put_at(device, node, id)
    put(at(device), id)
    put(on(node), id)
    put(nodes, node)
end

local function rings(id, began)
    redis.call('ZADD', ringing, began, id)
    redis.call('PEXPIRE', ringing, lifetime)
end

local function find(id)
    local found = redis.call('HMGET', call(id), 'sealed', 'on', 'from', 'of', 'began', 'from_node', 'on_node')
    if not found[1] then return nil end
    return { id = id, sealed = found[1], on = found[2], from = found[3], of = found[4], began = found[5],
             from_node = found[6], on_node = found[7] }
end

local function is_here(node, how_long) redis.call('SET', prefix .. 'node:' .. node, 1, 'PX', how_long) end
local function is_there(node) return redis.call('EXISTS', prefix .. 'node:' .. node) == 1 end

-- Whether the nodes of its devices are there: one that was killed ends none of its calls.
local function is_alive(one) return is_there(one.from_node) and (one.on == '' or is_there(one.on_node)) end

-- Whether a call is neither there nor was ended: Redis has lost it.
local function is_lost(id) return redis.call('EXISTS', call(id), over(id)) == 0 end

local function told(one) return { one.id, one.sealed, one.on } end

-- What is answered about one call: it, if it is there, and whether it is lost.
local function answer(id, one) return { one and { told(one) } or {}, is_lost(id) and 1 or 0 } end

local function finish(one)
    redis.call('DEL', call(one.id))
    redis.call('ZREM', ringing, one.id)
    if redis.call('GET', of(one.of)) == one.id then redis.call('DEL', of(one.of)) end
    redis.call('SREM', at(one.from), one.id)
    redis.call('SREM', on(one.from_node), one.id)
    if one.on ~= '' then
        redis.call('SREM', at(one.on), one.id)
        redis.call('SREM', on(one.on_node), one.id)
    end
    redis.call('SET', over(one.id), 1, 'PX', remembered)
    return one
end
