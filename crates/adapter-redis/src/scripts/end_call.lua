-- Further arguments: the id, and whether it has to ring.
local one = find(ARGV[3])
if not one or (ARGV[4] == '1' and one.on ~= '') then return nil end
return finish(one)
