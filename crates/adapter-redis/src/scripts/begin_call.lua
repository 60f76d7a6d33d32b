-- Further arguments: the id, the consultation, the calling device, since when it rings, what it is, the node, and
-- for how long that is there without another sign.
local id, consultation, from, began, sealed, node = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
is_here(node, ARGV[9])
local known = redis.call('GET', of(consultation))
local other = known and find(known)
if other then
    -- It has begun already when the answer to the first try was lost.
    if known == id then return 1 end
    if is_alive(other) then return 0 end
    finish(other)
end
redis.call('HSET', call(id), 'sealed', sealed, 'of', consultation, 'began', began, 'from', from, 'on', '',
           'from_node', node, 'on_node', '')
redis.call('PEXPIRE', call(id), lifetime)
redis.call('SET', of(consultation), id, 'PX', lifetime)
put_at(from, id)
rings(id, began)
return 1
