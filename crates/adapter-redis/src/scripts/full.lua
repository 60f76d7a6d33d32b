-- Arguments: now; the bounds.
local full = fullest(tonumber(ARGV[1]))
return full and full.ends
