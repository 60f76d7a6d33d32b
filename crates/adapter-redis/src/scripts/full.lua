-- Arguments: now; the bounds.
local full = fullest(tonumber(ARGV[1]))
if full then return { full.most, full.ends } end
return {}
