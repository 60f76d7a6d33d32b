-- Further arguments: the id, the consultation, the calling device, what it is, the node, and for how long that is
-- there without another sign. Answers whether it rings, and the call that made room for it.
local id, consultation, from, sealed, node = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
is_here(node, ARGV[8])
local known = redis.call('GET', of(consultation))
local other = known and find(known)
local ended = {}
if other then
    -- It has begun already when the answer to the first try was lost.
    if known == id then return { 1, {} } end
    if is_alive(other) then return { 0, {} } end
    ended[1] = told(finish(other))
end
local began = digits(now())
redis.call('HSET', call(id), 'sealed', sealed, 'of', consultation, 'began', began, 'from', from, 'on', '',
           'from_node', node, 'on_node', '')
redis.call('PEXPIRE', call(id), lifetime)
redis.call('SET', of(consultation), id, 'PX', lifetime)
put_at(from, node, id)
rings(id, began)
return { 1, ended }
