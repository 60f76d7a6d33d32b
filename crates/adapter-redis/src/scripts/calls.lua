-- What the scripts of calls share. The first argument is what every key begins with, the second how long a call is
-- remembered at most, in milliseconds. A call is a hash: 'sealed', what it is; 'of', its consultation; 'began', in
-- microseconds since 1970; 'from' and 'on', the devices at its two ends, 'on' empty while it rings; 'from_node' and
-- 'on_node', the nodes that these are connected to.
local prefix, lifetime = ARGV[1], ARGV[2]
local ringing = prefix .. 'calls:ringing'

local function call(id) return prefix .. 'call:' .. id end
local function of(consultation) return prefix .. 'calls:of:' .. consultation end
local function at(device) return prefix .. 'calls:at:' .. device end

local function put_at(device, id)
    redis.call('SADD', at(device), id)
    redis.call('PEXPIRE', at(device), lifetime)
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

-- Whether the nodes of its devices are there: one that was killed ends none of its calls.
local function is_alive(one)
    local function is_there(node) return redis.call('EXISTS', prefix .. 'node:' .. node) == 1 end
    return is_there(one.from_node) and (one.on == '' or is_there(one.on_node))
end

local function told(one) return one and { one.id, one.sealed, one.on } end

local function finish(one)
    redis.call('DEL', call(one.id))
    redis.call('ZREM', ringing, one.id)
    if redis.call('GET', of(one.of)) == one.id then redis.call('DEL', of(one.of)) end
    redis.call('SREM', at(one.from), one.id)
    if one.on ~= '' then redis.call('SREM', at(one.on), one.id) end
    return told(one)
end
