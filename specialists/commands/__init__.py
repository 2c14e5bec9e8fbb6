"""The commands about specialists: weights, training, the report, the planner."""
