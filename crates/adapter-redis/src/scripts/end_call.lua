-- Further arguments: the id, and whether it has to ring.
local one = find(ARGV[3])
if one and ARGV[4] == '1' and one.on ~= '' then return { {}, 0 } end
return answer(ARGV[3], one and finish(one))
