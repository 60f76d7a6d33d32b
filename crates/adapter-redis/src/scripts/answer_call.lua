-- Further arguments: the id, the device, the node, and for how long that is there without another sign.
is_here(ARGV[5], ARGV[6])
local one, device = find(ARGV[3]), ARGV[4]
if not one or (one.on ~= '' and one.on ~= device) then return nil end
redis.call('HSET', call(one.id), 'on', device, 'on_node', ARGV[5])
redis.call('ZREM', ringing, one.id)
put_at(device, one.id)
one.on = device
return told(one)
