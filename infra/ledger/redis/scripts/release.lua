-- Arguments: jobs as `make_jobs` takes them. Returns how many were new.
return make_jobs(2)
