-- Arguments: most runs to return, most runs to look at, 1 if the newest come first, the scores between which they are in
-- the order of the walk, then names of lists that a run must be in. Returns the place behind which the next page begins,
-- or '' if there are no more, then (id, place) for each run. The shortest of the lists is walked.
local limit, looks, command = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1' and 'ZREVRANGEBYSCORE' or 'ZRANGEBYSCORE'
local CHUNK = 100
local walked, others, length = key('listed'), {}, math.huge

for i = 7, #ARGV do
  local list = key('listed', ARGV[i])
  local size = redis.call('ZCARD', list)
  if size < length then
    if length < math.huge then others[#others + 1] = walked end
    walked, length = list, size
  else
    others[#others + 1] = list
  end
end

local function is_in_others(id)
  for _, list in ipairs(others) do
    if not redis.call('ZSCORE', list, id) then return false end
  end
  return true
end

local function entries(from, count)
  return redis.call(command, walked, ARGV[5], ARGV[6], 'WITHSCORES', 'LIMIT', from, count)
end

local found, looked, place = {}, 0, ''
while #found < 2 * limit and looked < looks do
  local chunk = entries(looked, math.min(CHUNK, looks - looked))
  if #chunk == 0 then break end
  for i = 1, #chunk, 2 do
    looked, place = looked + 1, chunk[i + 1]
    if is_in_others(chunk[i]) then
      found[#found + 1], found[#found + 2] = chunk[i], place
      if #found == 2 * limit then break end
    end
  end
end
return {#entries(looked, 1) > 0 and place or '', unpack(found)}
