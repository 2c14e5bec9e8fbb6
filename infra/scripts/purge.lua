-- Arguments: job ids. Returns how many dead letters there were among them.
local purged = 0
for i = 2, #ARGV do
  local job = load_job(ARGV[i])
  if job and take_from_dead(job) then
    forget(job)
    purged = purged + 1
  end
end
return purged
