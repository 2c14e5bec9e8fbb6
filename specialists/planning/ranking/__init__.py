"""Ranking: finds the plan that most likely does what the goal asks, and how likely that is. Knows no scorer."""
