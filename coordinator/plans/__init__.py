"""Plans: written, referred to, checked, typed, bound, saved, and what the planner says of them. Knows no run."""
