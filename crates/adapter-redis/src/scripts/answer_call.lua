-- Further arguments: the id, the device, the node, and for how long that is there without another sign.
is_here(ARGV[5], ARGV[6])
local one, device, node = find(ARGV[3]), ARGV[4], ARGV[5]
if not one or (one.on ~= '' and one.on ~= device) then return {} end
redis.call('HSET', call(one.id), 'on', device, 'on_node', node)
redis.call('ZREM', ringing, one.id)
put_at(device, node, one.id)
one.on = device
return { told(one) }
