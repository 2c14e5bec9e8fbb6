-- Arguments: jobs as `release_jobs` takes them. Returns how many were new.
return release_jobs(2)
