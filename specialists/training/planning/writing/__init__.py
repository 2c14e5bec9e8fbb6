"""What people wrote for the planner: goals, job types and labels, and how they are shown to it."""
