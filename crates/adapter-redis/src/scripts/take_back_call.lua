-- Further arguments: the id, the device.
local one, device = find(ARGV[3]), ARGV[4]
if not one or one.on ~= device then return 0 end
redis.call('HSET', call(one.id), 'on', '', 'on_node', '')
if device ~= one.from then redis.call('SREM', at(device), one.id) end
if one.on_node ~= one.from_node then redis.call('SREM', on(one.on_node), one.id) end
rings(one.id, one.began)
return 1
