"""Ranking: which plan is likeliest to be what the goal asks, and how likely that is. Knows no scorer."""
