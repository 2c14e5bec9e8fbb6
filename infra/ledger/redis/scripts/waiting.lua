-- Which jobs wait.

local CLASSES = {'0', '1', '2'}

-- Calls `see` with class, tenant, count and key of each line of the type that has ready jobs, until it returns true.
local function each_line(type, see)
  for _, class in ipairs(CLASSES) do
    for _, tenant in ipairs(redis.call('ZRANGE', key('turns', type, class), 0, -1)) do
      local line = key('line', type, class, tenant)
      local count = redis.call('ZCARD', line)
      if count > 0 and see(class, tenant, count, line) then return true end
    end
  end
  return false
end
