-- Arguments: job ids. Returns how many of the jobs had not ended.
local ended = 0
for i = 2, #ARGV do
  local job = load_job(ARGV[i])
  if job and not ENDED[job.state] then
    cancel(job, 'it was cancelled', not run_ended(job.run))
    ended = ended + 1
  end
end
return ended
