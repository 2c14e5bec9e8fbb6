"""Planning: what a plan may say, what flows through it, and what it means. Runs no job."""
