-- Arguments: jobs as `make_jobs` takes them. Returns how many of them were new.
return make_jobs(2)
