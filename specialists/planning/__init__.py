"""Planning: the content of plans, the data that flows through them, and their meaning. Runs no job."""
