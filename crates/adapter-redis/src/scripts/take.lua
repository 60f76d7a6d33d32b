-- Arguments: now; when a window ends that begins now; its length in milliseconds; the bounds.
local tallies = {}
local full = fullest(tonumber(ARGV[1]), tallies)
if full then return { 0, full.most, 0, full.ends, {} } end
local tightest, left, ends, windows = 0, 4294967295, ARGV[2], {}
for i, key in ipairs(KEYS) do
    local one, most = tallies[i], tonumber(ARGV[#ARGV - #KEYS + i])
    local count, until_then = 1, ARGV[2]
    if one then
        count, until_then = one.count + 1, one.ends
        redis.call('SET', key, string.format('%.0f %s %s', count, one.began, one.ends), 'KEEPTTL')
    else
        redis.call('SET', key, string.format('1 %s %s', ARGV[1], ARGV[2]), 'PX', ARGV[3])
    end
    local rest = math.max(most - count, 0)
    if rest < left then tightest, left, ends = most, rest, until_then end
    windows[i] = until_then
end
return { 1, tightest, left, ends, windows }
